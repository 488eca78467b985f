"""Whose time an Appointment or an absence takes, read from the FHIR resource."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from careloop.scheduling.model import TAKES_TIME, Taken, Window

Resource = Mapping[str, Any]

ACTORS = ("Practitioner/", "PractitionerRole/", "Patient/")
"""Who can be in one place only. A Location takes many people at once and a device is nobody."""

BYSTANDERS = frozenset({"enterer", "placer-contact", "filler contact", "AUT", "INF", "CALLBCK", "REF", "TRANS"})
"""Participation of those who only entered it, asked for it or can be called about it: they are not there."""

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)


def taken_by_appointment(appointment: Resource, assumed_minutes: int) -> list[Taken]:
    """The time that it takes of each who takes part; none when it is cancelled, only proposed, or without a start.

    Who declined is left out. A participant's own period counts before that of the whole. Without an end it takes its
    `minutesDuration`, else `assumed_minutes`.
    """
    status = str(appointment.get("status", ""))
    if status not in TAKES_TIME:
        return []
    whole = window_of(appointment.get("start"), appointment.get("end"), _minutes(appointment) or assumed_minutes)
    found: dict[str, Window] = {}
    for part in appointment.get("participant", ()):
        actor = _actor(part)
        own = part.get("period") or {}
        window = window_of(own.get("start"), own.get("end"), assumed_minutes) if own.get("end") else whole
        if actor and window and part.get("status") != "declined" and not _is_bystander(part):
            known = found.get(actor)
            window = Window(min(known.start, window.start), max(known.end, window.end)) if known else window
            found[actor] = window
    return [
        Taken(holder=str(appointment["id"]), actor=actor, kind="visit", status=status, window=window)
        for actor, window in sorted(found.items())
    ]


def taken_by_absence(slot: Resource, actors: tuple[str, ...]) -> list[Taken]:
    """A Slot `busy-unavailable` takes the time of those whose Schedule it is of; any other takes none."""
    window = window_of(slot.get("start"), slot.get("end"), 0)
    if slot.get("status") != "busy-unavailable" or window is None:
        return []
    return [
        Taken(holder=str(slot["id"]), actor=actor, kind="away", status="away", window=window)
        for actor in actors
        if actor.startswith(ACTORS)
    ]


def window_of(start: Any, end: Any, minutes: int) -> Window | None:
    """The window between two FHIR instants, or of so many minutes; None where there is none that can be."""
    begins, ends = _instant(start), _instant(end)
    if begins is None:
        return None
    if ends is None or ends <= begins:
        ends = begins + timedelta(minutes=minutes)
    return Window(begins, ends) if FIRST <= begins < ends < LAST else None


def actors_of(appointment: Resource, kind: str) -> Iterator[str]:
    """References of that type among those who take part."""
    for part in appointment.get("participant", ()):
        actor = _actor(part)
        if actor.startswith(f"{kind}/"):
            yield actor


def _actor(part: Resource) -> str:
    reference = str((part.get("actor") or {}).get("reference", "")).partition("/_history/")[0]
    return reference if reference.startswith(ACTORS) else ""


def _is_bystander(part: Resource) -> bool:
    kinds = [concept for concept in part.get("type", ()) if isinstance(concept, Mapping)]
    said = {str(concept.get("text", "")) for concept in kinds}
    codes = {str(coding.get("code", "")) for concept in kinds for coding in concept.get("coding", ())}
    return bool(BYSTANDERS & (said | codes))


def _minutes(appointment: Resource) -> int:
    minutes = appointment.get("minutesDuration")
    return minutes if isinstance(minutes, int) and 0 < minutes <= 24 * 60 * 366 else 0


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
