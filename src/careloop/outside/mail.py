"""One e-mail to the mail server of the installation, over TLS unless it is this machine (RFC 5321, RFC 3207)."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr

from careloop.errors import CareloopError, Unavailable

SECONDS = 20.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(CareloopError):
    """The server will never take this e-mail: the address does not exist, or it may not be written to (5xx)."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where mail is handed in. `security`: `starttls`, `tls`, or `none` (this machine only)."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    username: str = ""
    password: str = ""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """Plain text to one person. The same `message_id` again is the same letter."""

    to: str
    subject: str
    text: str
    message_id: str


def is_address(text: str) -> bool:
    """True for one plain mail address, without a name and without anything that could end a header."""
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    plain = not any(each.isspace() or not each.isprintable() or each in '<>,;:"()[]\\' for each in text)
    return plain and not name and address == text and bool(local) and "." in domain.strip(".") and len(text) <= 254


def send_mail(server: Server, letter: Letter) -> None:
    """The server took the letter. `Refused` for good, `Unavailable` for now; neither says anything of its content."""
    if server.security == "none" and server.host not in _HERE:
        raise Refused("mail leaves this machine only over TLS")
    if not is_address(letter.to):
        raise Refused("the address is not a mail address")
    try:
        with _connection(server) as connection:
            if server.username:
                connection.login(server.username, server.password)
            connection.send_message(_message(server, letter), from_addr=server.sender, to_addrs=[letter.to])
    except smtplib.SMTPRecipientsRefused as error:
        code = next((int(one[0]) for one in error.recipients.values()), 0)
        raise _failure(code) from error
    except smtplib.SMTPResponseException as error:
        if isinstance(error, smtplib.SMTPDataError):
            raise _failure(error.smtp_code) from error
        raise Unavailable(f"the mail server answered {error.smtp_code}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"the mail server did not answer properly ({type(error).__name__})") from error


def _failure(code: int) -> CareloopError:
    """RFC 5321 §4.2.1: 5yz is for good, 4yz for now."""
    if 500 <= code < 600:
        return Refused(f"the mail server refused the address ({code})")
    return Unavailable(f"the mail server answered {code}")


def _connection(server: Server) -> smtplib.SMTP:
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=ssl.create_default_context())
    connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    if server.security == "starttls":
        connection.starttls(context=ssl.create_default_context())
    return connection


def _message(server: Server, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = server.sender, letter.to, letter.subject
    message["Message-ID"] = f"<{letter.message_id}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
