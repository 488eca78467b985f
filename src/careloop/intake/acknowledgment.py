"""The answer to an HL7 v2 message: MSA with the code, ERR for each fault. Never repeats a value of the message.

Source: HL7 v2.5.1 chapter 2, 2.9.2 (original mode), 2.9.3 (enhanced mode), 2.15.8 MSA, 2.15.5 ERR, tables 0008, 0155,
0357, 0516.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from careloop.errors import Fault
from careloop.intake.hl7v2 import STANDARD, Message, escape

_ERROR_CODES = {
    "structure": ("100", "Segment sequence error"),
    "required": ("101", "Required field missing"),
    "invalid": ("102", "Data type error"),
    "value": ("103", "Table value not found"),
    "not-supported": ("200", "Unsupported message type"),
    "event": ("201", "Unsupported event code"),
    "duplicate": ("205", "Duplicate key identifier"),
    "transient": ("207", "Application internal error"),
}
_LOCATION = re.compile(r"^([A-Z][A-Z0-9]{2})(?:-(\d+))?(?:\[(\d+)\])?(?:\.(\d+))?")


NEXT_FRAME = b"\x1c\r\x0b"
"""Between two answers to one message: the end of one MLLP frame and the beginning of the next."""
_ACCEPT = {"AA": "CA", "AE": "CE", "AR": "CR"}


def answers(
    code: str,
    message: Message | None,
    *,
    control_id: str,
    now: datetime,
    own_ids: tuple[str, str],
    faults: Sequence[Fault] = (),
) -> bytes:
    """What the sender wants to hear. Without MSH-15 and MSH-16 the original answer. With them: the accept
    acknowledgment (CA, CE, CR) that MSH-15 asks for, then the application acknowledgment that MSH-16 asks for; both
    where both are asked for, nothing where neither is."""
    accept, application = (message.msh.text(15).upper(), message.msh.text(16).upper()) if message else ("", "")
    if not accept and not application:
        return acknowledgment(code, message, control_id=control_id, now=now, own_id=own_ids[0], faults=faults)
    wanted = []
    if _is_wanted(accept, code):
        wanted.append((_ACCEPT[code], own_ids[0]))
    if _is_wanted(application, code):
        wanted.append((code, own_ids[1]))
    made = (
        acknowledgment(one, message, control_id=control_id, now=now, own_id=own_id, faults=faults)
        for one, own_id in wanted
    )
    return NEXT_FRAME.join(made)


def _is_wanted(condition: str, code: str) -> bool:
    """Table 0155: always, never, only errors, only success; a word that it does not know counts as always."""
    if condition in ("ER", "SU"):
        return (code == "AA") is (condition == "SU")
    return condition not in ("", "NE")


def acknowledgment(
    code: str, message: Message | None, *, control_id: str, now: datetime, own_id: str, faults: Sequence[Fault] = ()
) -> bytes:
    """The answer `code` (AA, AE, AR) with MSA-2 = `control_id`, as UTF-8 with CR. `own_id` becomes its MSH-10."""
    return "".join(segment + "\r" for segment in _segments(code, message, control_id, now, own_id, faults)).encode()


def _segments(
    code: str, message: Message | None, control_id: str, now: datetime, own_id: str, faults: Sequence[Fault]
) -> list[str]:
    stamp = now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    event = _echo(message, 9, 2)
    kind = f"ACK^{event}^ACK" if event else "ACK"
    header = [
        "MSH", STANDARD.msh_2, _field(message, 5), _field(message, 6), _field(message, 3), _field(message, 4),
        stamp, "", kind, own_id, _echo(message, 11, 1) or "P", "2.5.1", "", "", "", "", "", "UNICODE UTF-8",
    ]  # fmt: skip
    return ["|".join(header), f"MSA|{code}|{escape(control_id)}", *(_error(fault) for fault in faults)]


def _error(fault: Fault) -> str:
    found = _LOCATION.match(fault.at)
    location = ""
    if found:
        segment, field, repetition, component = found.groups()
        location = "^".join([segment, "1", field or "", repetition or ("1" if field else ""), component or ""]).rstrip(
            "^"
        )
    number, title = _ERROR_CODES.get(fault.code, _ERROR_CODES["invalid"])
    severity = "W" if fault.severity == "warning" else "E"
    return f"ERR||{location}|{number}^{title}^HL70357|{severity}||||{escape(f'{fault.at}: expected {fault.expected}')}"


def _echo(message: Message | None, field: int, component: int) -> str:
    return escape(message.msh.text(field, component)) if message else ""


def _field(message: Message | None, number: int) -> str:
    """A header field of the message, rewritten with our delimiters; only sender and receiver names pass here."""
    if message is None:
        return ""
    value = message.msh.value(number)
    return "^".join(escape(value.component(part)) for part in (1, 2, 3)).rstrip("^")
