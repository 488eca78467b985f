"""A system that takes HL7 v2 over MLLP, with a real socket: what it got, and what it answers."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from careloop.intake.hl7v2 import Message, parse


@dataclass
class Receiver:
    """Messages in the order of arrival. `answers` gives MSA-1 and further segments, or None for silence."""

    port: int
    got: list[Message] = field(default_factory=list)
    answers: Callable[[Message], str | None] = lambda message: f"MSA|AA|{message.get('MSH-10')}\r"

    def events(self) -> list[str]:
        return [one.get("MSH-9.2") for one in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data = b""
            while b"\x1c" not in data:
                part = self.request.recv(65536)
                if not part:
                    return
                data += part
            message = parse(data[data.index(b"\x0b") + 1 : data.index(b"\x1c")].decode())
            receiver.got.append(message)
            answer = receiver.answers(message)
            if answer is not None:
                header = "MSH|^~\\&|THEM|THERE|CARELOOP|US|20261123100000||ACK|1|P|2.5.1\r"
                self.request.sendall(b"\x0b" + (header + answer).encode() + b"\x1c\r")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
