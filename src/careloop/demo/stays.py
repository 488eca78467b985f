"""What happened to a made-up person lately: hospital stays as HL7 v2 messages, and what the practice did about them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from careloop.access.model import Role
from careloop.demo import words
from careloop.demo.chart import visit
from careloop.demo.population import Person
from careloop.demo.practice import Practice, Resource, coded, marked, person_reference, workday_after


@dataclass(frozen=True, kw_only=True)
class Message:
    """One HL7 v2 message and when it arrives."""

    at: datetime
    text: str


@dataclass(kw_only=True)
class History:
    """A person's recent story while it is being told."""

    person: Person
    practice: Practice
    now: datetime
    chance: Random
    messages: list[Message] = field(default_factory=list)
    evidence: list[Resource] = field(default_factory=list)

    def ago(self, low: float, high: float) -> datetime:
        """A moment between so many hours before now."""
        moment = self.now - timedelta(hours=self.chance.uniform(low, high))
        return moment.astimezone(self.practice.zone).replace(second=0, microsecond=0)


def lately(person: Person, practice: Practice, now: datetime) -> tuple[list[Message], list[Resource]]:
    """The messages and the evidence of a person's stage, in their order; every moment lies before `now`."""
    history = History(
        person=person,
        practice=practice,
        now=now,
        chance=Random(f"stay {practice.slug} {person.number}"),  # noqa: S311
    )
    _STAGES.get(person.stage, _nothing)(history)
    return sorted(history.messages, key=lambda one: one.at), marked(history.evidence)


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One stay as messages tell it. `kind` is PV1-2; `disposition` PV1-36."""

    key: str
    admitted: datetime
    kind: str = "I"
    discharged: datetime | None = None
    disposition: str = "01"
    ward: str = "4W"


def adt(history: History, event: str, stay: Stay, at: datetime) -> Message:
    """One ADT message about this stay; its control id follows from person, stay, event and time."""
    person, (facility, _) = history.person, history.person.hospital
    stamp, sent = _stamp(at), _stamp(at + timedelta(minutes=2))
    control = f"{history.practice.slug[:3].upper()}{person.number}{stay.key}{event}{at:%m%d%H%M}"
    doctor = "^".join(words.ATTENDINGS[person.number % len(words.ATTENDINGS)])
    town, postal_code = person.town
    code, reason = person.story.admitted_for[person.number % len(person.story.admitted_for)]
    pv1 = {
        2: stay.kind, 3: f"{stay.ward}^{300 + person.number % 40}^A^{facility}", 4: "E" if stay.kind != "P" else "R",
        7: doctor, 10: person.story.service, 14: "7" if stay.kind == "I" else "1",
        19: f"V{person.number:05d}{stay.key}^^^{facility}", 44: _stamp(stay.admitted),
    }  # fmt: skip
    if stay.discharged and event in ("A03", "A08"):
        pv1 |= {36: stay.disposition, 45: _stamp(stay.discharged)}
    sex = "F" if person.sex == "female" else "M"
    phone = person.phone.split()
    segments = [
        f"MSH|^~\\&|ADT|{facility}|CARELOOP|{history.practice.slug.upper()}|{sent}||ADT^{event}|{control}|P|2.5.1",
        f"EVN|{event}|{sent}||||{stamp}",
        f"PID|1||{person.hospital_number}^^^{facility}^MR||{person.family}^{person.given}^{person.middle}||"
        f"{person.birth_date:%Y%m%d}|{sex}|||{person.street}^^{town}^MA^{postal_code}||"
        f"^PRN^PH^^1^{phone[1]}^{phone[2]}{phone[3]}",
        _segment("PV1", {1: "1", **pv1}),
        f"PV2|||{code}^{reason}^I10",
        f"DG1|1||{code}^{reason}^I10||{_stamp(stay.admitted)}|A",
    ]
    return Message(at=at + timedelta(minutes=2), text="\r".join(segments) + "\r")


def doubles(person: Person, practice: Practice, now: datetime) -> list[Message]:
    """One in seventy is known to the other hospital under another number and a slip in the name: a possible match."""
    if person.number % 70 != 11:
        return []
    other = next(facility for facility, _ in words.HOSPITALS if facility != person.hospital[0])
    twice = replace(
        person, number=person.number + 5_000_000, family=_slip(person.family), hospital=(other, ""),
        phone=person.phone if person.number % 2 else "+1 413 555 0199",
    )  # fmt: skip
    history = History(person=twice, practice=practice, now=now, chance=Random(person.number))  # noqa: S311
    at = history.ago(24, 24 * 6)
    return [adt(history, "A28", Stay(key="D", admitted=at, kind="O"), at)]


def _slip(name: str) -> str:
    """Two letters changed places."""
    return name[:1] + name[2] + name[1] + name[3:] if len(name) > 3 else name


def _segment(name: str, fields: dict[int, str]) -> str:
    return "|".join([name, *(fields.get(place, "") for place in range(1, max(fields) + 1))])


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")


def _stay(history: History, discharged: datetime, *, key: str = "A", days: float = 0, disposition: str = "01") -> None:
    """A whole stay that ended then: admitted, perhaps moved, discharged."""
    length = days or history.chance.uniform(1.5, 7)
    admitted = (discharged - timedelta(days=length)).replace(second=0)
    stay = Stay(key=key, admitted=admitted, ward=history.chance.choice(words.WARDS))
    history.messages.append(adt(history, "A01", stay, admitted))
    if length > 4:
        moved = Stay(key=key, admitted=admitted, ward="5E")
        history.messages.append(adt(history, "A02", moved, admitted + timedelta(days=1.5)))
    ended = Stay(key=key, admitted=admitted, discharged=discharged, disposition=disposition, ward="5E")
    history.messages.append(adt(history, "A03", ended, discharged))


def _emergency(history: History, start: datetime) -> datetime:
    """An emergency visit that ended at home; answers when."""
    end = start + timedelta(hours=history.chance.uniform(2, 7))
    stay = Stay(key="E", admitted=start, kind="E", ward="ED")
    history.messages.append(adt(history, "A04", stay, start))
    ended = Stay(key="E", admitted=start, kind="E", ward="ED", discharged=end)
    history.messages.append(adt(history, "A03", ended, end))
    return end


def _call(history: History, at: datetime, outcome: str | None = None) -> None:
    """A call by the coordinator: reached when `outcome` is None, else a try."""
    person, practice = history.person, history.practice
    minutes = history.chance.randint(6, 18) if outcome is None else history.chance.randint(1, 3)
    resource: Resource = {
        "resourceType": "Communication",
        "id": practice.id("call", person.number, at.isoformat()),
        "extension": [{"url": "urn:careloop:minutes", "valueDecimal": minutes}],
        "status": "completed" if outcome is None else "not-done",
        "category": [coded("urn:careloop:communication", "outreach")],
        "medium": [coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "PHONE")],
        "subject": {"reference": f"Patient/{practice.patient_id(person.practice_number)}"},
        "recipient": [{"reference": f"Patient/{practice.patient_id(person.practice_number)}"}],
        "sender": person_reference(practice.one(Role.COORDINATOR, person.number)),
        "sent": at.isoformat(),
    }
    if outcome:
        resource["statusReason"] = coded("urn:careloop:contact-outcome", outcome)
    else:
        resource["extension"].append({"url": "urn:careloop:spoke-with", "valueCode": "patient"})
        resource["payload"] = [{"contentString": history.chance.choice(_SAID)}]
    history.evidence.append(resource)


_SAID = (
    "Feels better, has the new medicines. Will weigh every morning.",
    "Tired but fine. Daughter helps with the pill box. Knows whom to call.",
    "Was not sure about the water pill; went through the list together.",
    "Has no ride to the visit; booked one. No pain.",
)


def _reconciled(history: History, at: datetime) -> None:
    person, practice = history.person, history.practice
    history.evidence.append(
        {
            "resourceType": "Procedure",
            "id": practice.id("reconciliation", person.number, at.isoformat()),
            "status": "completed",
            "code": coded("http://snomed.info/sct", "430193006", "Medication reconciliation"),
            "subject": {"reference": f"Patient/{practice.patient_id(person.practice_number)}"},
            "performedDateTime": at.isoformat(),
            "performer": [{"actor": person_reference(practice.one(Role.NURSE, person.number))}],
        }
    )


def _summary(history: History, at: datetime) -> None:
    person, practice = history.person, history.practice
    history.evidence.append(
        {
            "resourceType": "DocumentReference",
            "id": practice.id("summary", person.number, at.isoformat()),
            "status": "current",
            "type": coded("http://loinc.org", "18842-5", "Discharge summary"),
            "subject": {"reference": f"Patient/{practice.patient_id(person.practice_number)}"},
            "date": at.isoformat(),
            "description": "Discharge summary (made up)",
            "content": [{"attachment": {"contentType": "text/plain", "data": "TWFkZSB1cC4="}}],
        }
    )


def _booked(history: History, at: datetime) -> None:
    person, practice = history.person, history.practice
    actors = [
        {"actor": {"reference": f"Patient/{practice.patient_id(person.practice_number)}"}, "status": "accepted"},
        {"actor": person_reference(practice.one(Role.PHYSICIAN, person.number)), "status": "accepted"},
    ]
    history.evidence.append(
        {
            "resourceType": "Appointment",
            "id": practice.id("appointment", person.number, at.isoformat()),
            "status": "booked",
            "description": "Visit after hospital stay",
            "start": at.isoformat(),
            "end": (at + timedelta(minutes=30)).isoformat(),
            "participant": actors,
        }
    )


def _workday(history: History, discharged: datetime, count: int, hour: int) -> datetime:
    day = workday_after(discharged.date(), count)
    return history.practice.at(day, hour, history.chance.randint(0, 11) * 5)


def _done_before_now(history: History, act: Callable[[History, datetime], None], at: datetime) -> None:
    """The act, unless its moment has not come: nothing in the past may lie ahead."""
    if at < history.now:
        act(history, at)


def _home_visit(history: History, at: datetime) -> None:
    history.evidence.append(visit(history.person, history.practice, f"home-{at.isoformat()}", at, home=True))


def _office_visit(history: History, at: datetime) -> None:
    history.evidence.append(visit(history.person, history.practice, f"after-{at.isoformat()}", at))


def _nothing(history: History) -> None:
    """No stay lately."""


def _old_stay(history: History) -> None:
    for place in range(history.chance.choice((1, 1, 1, 2, 3))):
        _stay(history, history.ago(24 * 45, 24 * 330), key=f"O{place}")


def _in_hospital(history: History) -> None:
    admitted = history.ago(2, 24 * 6)
    history.messages.append(adt(history, "A01", Stay(key="A", admitted=admitted, ward="MED2"), admitted))


def _just_home(history: History) -> None:
    _stay(history, history.ago(2, 30), disposition=history.chance.choice(("01", "01", "06")))


def _to_call(history: History) -> None:
    _stay(history, history.ago(40, 64))


def _late_call(history: History) -> None:
    _stay(history, history.ago(24 * 5, 24 * 6.5))


def _tried(history: History) -> None:
    discharged = history.ago(48, 70)
    _stay(history, discharged)
    for hours, outcome in ((20, "no-answer"), (29, "left-message")):
        _call(history, discharged + timedelta(hours=hours), outcome)


def _called(history: History) -> datetime:
    discharged = history.ago(24 * 3.5, 24 * 5.5)
    _stay(history, discharged)
    _call(history, min(_workday(history, discharged, 1, 10), history.now - timedelta(hours=3)))
    _done_before_now(history, _home_visit, discharged + timedelta(hours=46))
    if history.chance.random() < 0.6:
        _done_before_now(history, _summary, discharged + timedelta(hours=40))
    return discharged


def _visit_booked(history: History) -> None:
    discharged = _called(history)
    _booked(history, _workday(history, max(discharged + timedelta(days=5), history.now), 1, 11))


def _summary_missing(history: History) -> None:
    discharged = history.ago(24 * 5, 24 * 6.5)
    _stay(history, discharged)
    _visited(history, discharged, 2)


def _visited(history: History, discharged: datetime, workday: int) -> None:
    _call(history, min(_workday(history, discharged, 1, 9), history.now - timedelta(hours=30)))
    _done_before_now(history, _home_visit, discharged + timedelta(hours=44))
    seen = min(_workday(history, discharged, workday, 13), history.now - timedelta(hours=4))
    _reconciled(history, seen - timedelta(hours=1))
    _office_visit(history, seen)


def _all_done(history: History) -> None:
    discharged = history.ago(24 * 11, 24 * 27)
    _stay(history, discharged)
    _visited(history, discharged, 4)
    _summary(history, discharged + timedelta(hours=30))


def _ed_new(history: History) -> None:
    _emergency(history, history.ago(9, 44))


def _ed_late(history: History) -> None:
    _emergency(history, history.ago(24 * 4.5, 24 * 6))


def _ed_done(history: History) -> None:
    end = _emergency(history, history.ago(24 * 4, 24 * 9))
    _call(history, end + timedelta(hours=22))


def _nursing_home(history: History) -> None:
    _stay(history, history.ago(24 * 2, 24 * 12), disposition="03")


def _readmitted(history: History) -> None:
    discharged = history.ago(24 * 12, 24 * 20)
    _stay(history, discharged)
    _call(history, _workday(history, discharged, 1, 10))
    back = history.ago(10, 60)
    history.messages.append(adt(history, "A01", Stay(key="B", admitted=back, ward="CARD"), back))


def _discharge_cancelled(history: History) -> None:
    discharged = history.ago(20, 30)
    _stay(history, discharged)
    again = Stay(key="A", admitted=discharged - timedelta(days=3))
    history.messages.append(adt(history, "A13", again, discharged + timedelta(hours=4)))


def _planned(history: History) -> None:
    said = history.ago(20, 90)
    planned = Stay(key="P", admitted=history.now + timedelta(days=9), kind="P")
    history.messages.append(adt(history, "A05", planned, said))


def _died(history: History) -> None:
    _stay(history, history.ago(24 * 3, 24 * 15), disposition="20")


_STAGES: dict[str, Callable[[History], object]] = {
    "old-stay": _old_stay,
    "in-hospital": _in_hospital,
    "just-home": _just_home,
    "to-call": _to_call,
    "late-call": _late_call,
    "tried": _tried,
    "called": _called,
    "visit-booked": _visit_booked,
    "summary-missing": _summary_missing,
    "all-done": _all_done,
    "ed-new": _ed_new,
    "ed-late": _ed_late,
    "ed-done": _ed_done,
    "nursing-home": _nursing_home,
    "readmitted": _readmitted,
    "discharge-cancelled": _discharge_cancelled,
    "planned": _planned,
    "died": _died,
}
