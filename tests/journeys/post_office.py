"""A real mail server on this machine that keeps what it took: SMTP of RFC 5321 as far as a client of ours goes."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message


@dataclass
class PostOffice:
    """`refuses` answers 550 to these addresses, `busy` 451 to all of them."""

    port: int = 0
    letters: list[Message] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    busy: bool = False


class _Desk(socketserver.StreamRequestHandler):
    office: PostOffice

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.upper()
            if word.startswith("RCPT"):
                address = line.partition("<")[2].partition(">")[0]
                self.say(
                    "451 later" if self.office.busy else "550 nobody" if address in self.office.refuses else "250 ok"
                )
            elif word.startswith("DATA"):
                self.say("354 go on")
                self.office.letters.append(message_from_string("".join(self._data())))
                self.say("250 ok")
            elif word.startswith("QUIT"):
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def _data(self) -> Iterator[str]:
        while (line := self.rfile.readline().decode()) not in (".\r\n", ""):
            yield line.removeprefix(".") if line.startswith("..") else line


@contextmanager
def post_office() -> Iterator[PostOffice]:
    """The server while the block runs."""
    office = PostOffice()
    desk = type("Desk", (_Desk,), {"office": office})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), desk) as server:
        office.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield office
        server.shutdown()
        thread.join()
