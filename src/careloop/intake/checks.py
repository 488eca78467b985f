"""The checks made before the commit: readable, an event that HL7 defines, a person, dates that exist, a known sender.

Pure. The outcome is the answer that the sender gets (interface.md §5): AA, AE with the place and what was expected, or
AR when the message cannot be read as HL7 at all. Nothing that was sent is repeated in a fault.
"""

from careloop.errors import Fault, Rejected
from careloop.intake.hl7v2 import Message, Segment
from careloop.intake.mapping import Mappings
from careloop.intake.model import Checked, Effect, Envelope, Feed
from careloop.intake.timestamps import moment

_DATES = (("MSH", 7), ("EVN", 2), ("EVN", 6), ("PID", 7), ("PID", 29), ("PV1", 44), ("PV1", 45))
_PERSON_FIELDS = (3, 2, 4, 18)
_LONGEST = 256
UNREADABLE = Envelope(application="", facility="", control_id="", message_type="", event="")


def check(raw: bytes, feed: Feed, mappings: Mappings) -> tuple[Message | None, Checked]:
    """The message as the feed's settings make it (None when unreadable) and what to answer. Never raises, whatever the
    bytes are."""
    try:
        message = mappings.amending.read(raw, feed)
    except Rejected as error:
        return None, Checked(code="AR", envelope=UNREADABLE, stage="read", faults=error.faults)
    envelope = envelope_of(message)
    notes = message.notes
    for stage, faults in _stages(message, envelope, feed, mappings):
        if faults:
            return message, Checked(
                code="AE",
                envelope=envelope,
                order_key=_order_key(message, envelope),
                stage=stage,
                faults=faults,
                notes=notes,
            )
    return message, Checked(code="AA", envelope=envelope, order_key=_order_key(message, envelope), notes=notes)


def envelope_of(message: Message) -> Envelope:
    """Who sent it, its control id, its type and event (MSH-9.2, else EVN-1)."""
    msh, evn = message.msh, message.first("EVN")
    event = msh.text(9, 2) or (evn.text(1) if evn else "")
    return Envelope(
        application=msh.text(3)[:_LONGEST],
        facility=msh.text(4)[:_LONGEST],
        control_id=msh.text(10)[:_LONGEST],
        message_type=msh.text(9).upper(),
        event=event.upper(),
    )


def has_person_identifier(pid: Segment) -> bool:
    """PID-3, else PID-2, PID-4 or PID-18 holds a number (interface.md §5)."""
    return any(_says_something(value.component(1)) for field in _PERSON_FIELDS for value in pid.values(field))


def groups(message: Message) -> list[list[Segment]]:
    """The segments of each person in the message: a PID and what follows it until the next PID."""
    found: list[list[Segment]] = []
    for segment in message.segments:
        if segment.name == "PID":
            found.append([])
        if found:
            found[-1].append(segment)
    return found


def _stages(
    message: Message, envelope: Envelope, feed: Feed, mappings: Mappings
) -> "list[tuple[str, tuple[Fault, ...]]]":
    structure = _structure(message, envelope)
    if structure:
        return [("structure", structure)]
    event = _event(envelope, mappings)
    if event:
        return [("event", event)]
    return [
        ("person", _person(message, envelope, mappings)),
        ("dates", _dates(message, feed)),
        ("sender", _sender(envelope, feed)),
    ]


def _structure(message: Message, envelope: Envelope) -> tuple[Fault, ...]:
    faults = []
    if not envelope.message_type:
        faults.append(Fault(at="MSH-9", expected="a message type such as ADT^A01", code="required"))
    if not envelope.control_id:
        faults.append(Fault(at="MSH-10", expected="a message control id", code="required"))
    for number, segment in enumerate(message.segments):
        if number and segment.name == "MSH":
            faults.append(Fault(at="MSH", expected="one message, with a single MSH segment", code="structure"))
            break
        if len(segment.name) != 3 or not segment.name.isalnum() or not segment.name.isascii():
            faults.append(
                Fault(
                    at=f"segment {number + 1}", expected="a segment name of three letters or digits", code="structure"
                )
            )
            break
    return tuple(faults)


def _event(envelope: Envelope, mappings: Mappings) -> tuple[Fault, ...]:
    kind, event = envelope.message_type, envelope.event
    if kind == "ACK":
        expected = "a message; an acknowledgment that nobody waits for is kept"
        return (Fault(at="MSH-9.1", expected=expected, code="not-supported"),)
    if kind not in mappings.known_types:
        known = ", ".join(sorted(mappings.known_types))
        expected = f"one of {known}; message type not supported, the message is kept"
        return (Fault(at="MSH-9.1", expected=expected, code="not-supported"),)
    if kind == "ADT" and event not in mappings.events:
        return (Fault(at="MSH-9.2", expected="an ADT event that HL7 defines (A01 to A62)", code="event"),)
    if mappings.structure(kind, event) is None:
        expected = f"an event of {kind} that we take; event not supported, the message is kept"
        return (Fault(at="MSH-9.2", expected=expected, code="event"),)
    return ()


def _person(message: Message, envelope: Envelope, mappings: Mappings) -> tuple[Fault, ...]:
    effect = mappings.effect(envelope.message_type, envelope.event)
    people = groups(message)
    if not people:
        return (
            ()
            if not mappings.names_person(envelope.message_type, envelope.event)
            else (Fault(at="PID", expected="a PID segment", code="required"),)
        )
    faults = []
    for number, group in enumerate(people, start=1):
        place = "PID-3" if number == 1 else f"PID[{number}]-3"
        if not has_person_identifier(group[0]):
            faults.append(
                Fault(at=place, expected="an identifier of the person (PID-3, else PID-2, 4 or 18)", code="required")
            )
        if effect is Effect.MERGE and not _has_prior(group):
            faults.append(Fault(at="MRG-1", expected="the prior identifier of the person", code="required"))
    return tuple(faults)


def _has_prior(group: list[Segment]) -> bool:
    return any(
        _says_something(value.component(1))
        for segment in group
        if segment.name == "MRG"
        for field in (1, 4)
        for value in segment.values(field)
    )


def _dates(message: Message, feed: Feed) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    for segment in message.segments:
        for name, field in _DATES:
            if segment.name != name:
                continue
            text = segment.text(field)
            if not text or text == '""':
                continue
            try:
                moment(text, feed.zone, f"{name}-{field}")
            except Rejected as error:
                faults.extend(error.faults)
    return tuple(faults)


def _sender(envelope: Envelope, feed: Feed) -> tuple[Fault, ...]:
    if feed.any_sender or envelope.sender in feed.senders:
        return ()
    return (
        Fault(
            at="MSH-3", expected="a sender that this feed accepts; unknown sender, kept until accepted", code="value"
        ),
    )


def _order_key(message: Message, envelope: Envelope) -> str:
    pid = message.first("PID")
    numbers = [pid.text(field) for field in _PERSON_FIELDS if pid.text(field)] if pid else []
    return f"{envelope.sender}|{numbers[0] if numbers else ''}"


def _says_something(text: str) -> bool:
    return bool(text.strip()) and text.strip() != '""'
