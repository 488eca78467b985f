"""What settings of a feed make of one message: the facts before and after, side by side. Pure but for the mappings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.errors import Rejected
from careloop.intake import AdtMessage, Feed, Mappings, understand
from careloop.intake import check as check_message
from careloop.intake.model import Checked

_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class PreviewLine:
    """One fact: where it stands in the record, what it is with the settings as they are and with those tried out."""

    place: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        """True where the settings make a difference."""
        return self.before != self.after


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Every fact of a message, in order."""

    lines: tuple[PreviewLine, ...]

    @property
    def changed(self) -> tuple[PreviewLine, ...]:
        """The facts that become other ones."""
        return tuple(line for line in self.lines if line.is_changed)

    @property
    def same(self) -> tuple[PreviewLine, ...]:
        """The facts that stay."""
        return tuple(line for line in self.lines if not line.is_changed)


def reads(
    raw: bytes, feed: Feed, mappings: Mappings, tenant_id: int, received: datetime
) -> tuple[Checked, AdtMessage | None]:
    """What the checks say of a message, and its facts where it passes them and can be understood."""
    message, checked = check_message(raw, feed, mappings)
    if message is None or checked.code != "AA":
        return checked, None
    try:
        return checked, understand(message, mappings, feed, tenant_id, received)
    except Rejected:
        return checked, None


def preview(
    raw: bytes, before: Feed, after: Feed, mappings: Mappings, tenant_id: int, received: datetime
) -> Preview:  # fmt: skip
    """The facts of a message by the settings `before` and `after`."""
    old = _facts(raw, before, mappings, tenant_id, received)
    new = _facts(raw, after, mappings, tenant_id, received)
    places = [*new, *(place for place in old if place not in new)]
    return Preview(
        lines=tuple(
            PreviewLine(place=place, before=old.get(place, ""), after=new.get(place, "")) for place in places
        )
    )  # fmt: skip


def _facts(raw: bytes, feed: Feed, mappings: Mappings, tenant_id: int, received: datetime) -> dict[str, str]:
    checked, message = reads(raw, feed, mappings, tenant_id, received)
    if message is None:
        return {"Answer": _refusal(raw, feed, mappings, tenant_id, received, checked)}
    return {"Answer": "AA, taken", **dict(_facts_of(message))}


def _refusal(
    raw: bytes, feed: Feed, mappings: Mappings, tenant_id: int, received: datetime, checked: Checked
) -> str:  # fmt: skip
    if checked.faults:
        fault = checked.faults[0]
        return f"{checked.code}, kept for a person. {fault.at}: expected {fault.expected}"
    message, _ = check_message(raw, feed, mappings)
    assert message is not None
    try:
        understand(message, mappings, feed, tenant_id, received)
    except Rejected as error:
        return f"AA, then kept for a person. {error.at}: expected {error.expected}"
    return "AA, taken"


def _facts_of(message: AdtMessage) -> Iterator[tuple[str, str]]:
    yield "Message", f"{message.envelope.message_type} {message.envelope.event}".strip()
    yield "What it does", message.effect.value
    yield "Time of the event", message.at.text
    for number, person in enumerate(message.people, start=1):
        start = "Patient" if number == 1 else f"Patient {number}"
        yield from _leaves(f"{start}", dict(person.patient))
        yield from _leaves(f"{start}.prior", list(person.prior_identifiers))
        for visit in person.visits:
            yield f"Visit {visit.value}", visit.system
            yield from _leaves(f"Visit {visit.value}", dict(visit.content))
        yield from _resources([*person.related, *person.allergies, *person.facts])
        yield from _resources([one["resource"] for one in person.conditions])
    for note in message.notes:
        yield f"Note {note[:40]}", note


def _resources(resources: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    counted: dict[str, int] = {}
    for resource in resources:
        kind = str(resource["resourceType"])
        counted[kind] = counted.get(kind, 0) + 1
        shown = {key: value for key, value in resource.items() if key not in ("resourceType", "id")}
        yield from _leaves(f"{kind} {counted[kind]}", shown)


def _leaves(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(f"{place}.{key}", part)
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _leaves(f"{place}[{number}]" if len(value) > 1 else place, part)
    else:
        yield place, "deleted" if value is None else str(value)[:_LONGEST]
