"""What the record says of staff and teams, and how long a competency is valid. Pure."""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from careloop.teams.model import Member, Profile, StateLicence

Resource = Mapping[str, Any]

ROLE = "urn:careloop:role"
QUALIFICATION = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/practitioner-qualification"
"""Da Vinci PDex Plan-Net: where a qualification is valid (`whereValid`) and whether it is active (`status`)."""

_DAYS = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_NO_LICENCE = frozenset({"inactive", "revoked", "suspended", "expired", "entered-in-error"})


def valid_through(issued: date, months: int) -> date:
    """The last day on which something of `months` months is valid: the same day of that month, clipped to its last
    day (PG-04b: issued 2024-02-29 for 24 months is valid through 2026-02-28)."""
    years, month = divmod(issued.month - 1 + months, 12)
    year, month = issued.year + years, month + 1
    return date(year, month, min(issued.day, calendar.monthrange(year, month)[1]))


def profile_of(practitioner: Resource, roles: Sequence[Resource]) -> Profile:
    """What routing may know of somebody from their Practitioner and PractitionerRoles."""
    spoken = [*_items(practitioner, "communication")]
    return Profile(
        practitioner=str(practitioner["id"]),
        languages=tuple(sorted({tag for concept in spoken for tag in _languages(concept)})),
        licences=tuple(_licences(practitioner)),
        working=_working([role for role in roles if role.get("active", True)]),
    )


def language_of(patient: Resource) -> str:
    """The primary subtag of the language that the patient prefers; empty for English and where nobody asked."""
    spoken = sorted(_items(patient, "communication"), key=lambda item: not item.get("preferred", False))
    tags = [tag for item in spoken[:1] for tag in _languages(item.get("language") or {})]
    return tags[0] if tags and tags[0] != "en" else ""


def state_of(patient: Resource, day: date) -> str:
    """The US state (two letters) where the patient lives on that day; empty where the record does not say."""
    homes = [item for item in _items(patient, "address") if item.get("use") != "old" and _lives(item, day)]
    homes.sort(key=lambda item: {"temp": 0, "home": 1}.get(str(item.get("use", "")), 2))
    states = [str(item.get("state", "")).strip().upper() for item in homes]
    return next((state for state in states if len(state) == 2 and state.isalpha()), "")


def physician_of(patient: Resource) -> str | None:
    """The patient's own physician, as `Practitioner/id`, where Patient.generalPractitioner names one."""
    named = [item.get("reference") for item in _items(patient, "generalPractitioner")]
    return next((str(one) for one in named if isinstance(one, str) and one.startswith("Practitioner/")), None)


def members_of(care_team: Resource, at: datetime, zone: Any) -> list[Member]:
    """Members of a patient's CareTeam as it stands; none of a team that is not active or has no patient."""
    subject = str((care_team.get("subject") or {}).get("reference", ""))
    if not subject.startswith("Patient/") or care_team.get("status", "active") != "active":
        return []
    patient_id, team_id = subject.removeprefix("Patient/"), str(care_team["id"])
    found: dict[tuple[str, str], Member] = {}
    for participant in _items(care_team, "participant"):
        reference = str((participant.get("member") or {}).get("reference", ""))
        ends = _end(participant, zone)
        if not reference.startswith("Practitioner/") or (ends is not None and ends <= at):
            continue
        person = reference.removeprefix("Practitioner/").split("/")[0]
        for role in _roles(participant) or [""]:
            member = Member(patient_id=patient_id, team_id=team_id, practitioner=person, role=role, ends=ends)
            found.setdefault((person, role), member)
    return list(found.values())


def absences_of(role: Resource, zone: Any) -> list[tuple[datetime, datetime, str]]:
    """Start, end and reason of each closed stretch of PractitionerRole.notAvailable."""
    found = []
    for item in _items(role, "notAvailable"):
        during = item.get("during") or {}
        starts, ends = _instant(during.get("start"), zone), _instant(during.get("end"), zone, end=True)
        if starts and ends and starts < ends:
            found.append((starts, ends, str(item.get("description", ""))))
    return found


def _licences(practitioner: Resource) -> Iterator[StateLicence]:
    for item in _items(practitioner, "qualification"):
        marks = [mark for outer in _items(item, "extension") if outer.get("url") == QUALIFICATION
                 for mark in _items(outer, "extension")]  # fmt: skip
        if any(mark.get("url") == "status" and mark.get("valueCode") in _NO_LICENCE for mark in marks):
            continue
        states = {code.upper() for mark in marks if mark.get("url") == "whereValid"
                  for code in _codes(mark.get("valueCodeableConcept") or {}) if len(code) == 2}  # fmt: skip
        period = item.get("period") or {}
        if states:
            yield StateLicence(
                states=tuple(sorted(states)),
                first=_date(period.get("start")),
                last=_date(period.get("end")),
                name=str((item.get("code") or {}).get("text") or next(iter(_codes(item.get("code") or {})), "")),
            )


def _working(roles: Sequence[Resource]) -> dict[int, int]:
    """Minutes by weekday: of several roles the longest day counts, since one person has one day."""
    minutes: dict[int, int] = {}
    for role in roles:
        mine: dict[int, int] = {}
        for item in _items(role, "availableTime"):
            length = 24 * 60 if item.get("allDay") else _length(item)
            for name in item.get("daysOfWeek") or _DAYS:
                if name in _DAYS:
                    mine[_DAYS[name]] = mine.get(_DAYS[name], 0) + length
        for day, length in mine.items():
            minutes[day] = max(minutes.get(day, 0), length)
    return minutes


def _length(item: Resource) -> int:
    start, end = (_minute(item.get(name)) for name in ("availableStartTime", "availableEndTime"))
    return max(0, end - start) if start is not None and end is not None else 0


def _minute(text: object) -> int | None:
    parts = str(text or "").split(":")
    return int(parts[0]) * 60 + int(parts[1]) if len(parts) >= 2 and parts[0].isdigit() else None


def _lives(address: Resource, day: date) -> bool:
    period = address.get("period") or {}
    first, last = _date(period.get("start")), _date(period.get("end"))
    return (first is None or first <= day) and (last is None or day <= last)


def _end(participant: Resource, zone: Any) -> datetime | None:
    return _instant((participant.get("period") or {}).get("end"), zone, end=True)


def _instant(text: object, zone: Any, *, end: bool = False) -> datetime | None:
    day = _date(text)
    if day is None or not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text) if len(text) > 10 else datetime.combine(day, datetime.min.time())
    except ValueError:
        return None
    if len(text) <= 10 and end:
        found = found.replace(hour=23, minute=59, second=59)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _date(text: object) -> date | None:
    """The day of a FHIR date or dateTime that has one."""
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) and len(text) >= 10 else None
    except ValueError:
        return None


def _languages(concept: Resource) -> list[str]:
    return [code.split("-")[0].lower() for code in _codes(concept)]


def _roles(participant: Resource) -> list[str]:
    return [code for concept in _items(participant, "role") for code in _codes(concept, ROLE)]


def _codes(concept: Resource, system: str | None = None) -> list[str]:
    codings = [item for item in _items(concept, "coding") if system is None or item.get("system") == system]
    return [str(item["code"]) for item in codings if "code" in item]


def _items(resource: Resource, name: str) -> list[Resource]:
    value = resource.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
