"""What else goes on with made-up people: referrals, tests and results, messages, missed visits, requests.

One matter for about one person in six; the same number has the same one. Every moment lies before `now`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from careloop.access.model import Role
from careloop.demo.population import Person
from careloop.demo.practice import Practice, Resource, coded, marked, person_reference

_SNOMED = "http://snomed.info/sct"
_LOINC = "http://loinc.org"
_SPECIALTIES = (
    ("Cardiology", "Do the heart medicines need a change before summer?", "Riverbend Heart Partners"),
    ("Lung clinic", "Is home oxygen needed?", "Valley Lung Clinic"),
    ("Kidney clinic", "When is the next visit needed, and which medicines should stop?", "Kidney Care Associates"),
    ("Diabetes clinic", "Would a sensor help?", "Hilltown Diabetes Center"),
    ("Orthopedics", "Is a new hip the right thing now?", "Bone and Joint Group"),
)
_WROTE = (
    "Can I get my refill before the weekend?",
    "When is my next visit? I need to plan a ride.",
    "The new pills make me dizzy in the morning. Is that normal?",
    "Thank you for calling my daughter.",
)
_WARNED = ("I have chest pain when I walk up the stairs.", "It is hard to breathe at night since Sunday.")
_TESTS = {
    "normal": ("718-7", "Hemoglobin", 13.4, "g/dL", 12, 16, "N"),
    "abnormal": ("4548-4", "Hemoglobin A1c", 9.6, "%", 4, 6, "H"),
    "critical": ("2823-3", "Potassium", 6.6, "mmol/L", 3.5, 5.1, "HH"),
}


class _Told:
    """A person's matter while it is told."""

    def __init__(self, person: Person, practice: Practice, now: datetime) -> None:
        self.person = person
        self.practice = practice
        self.now = now.astimezone(practice.zone)
        self.chance = Random(f"matter {practice.slug} {person.number}")  # noqa: S311
        self.patient = {"reference": f"Patient/{practice.patient_id(person.practice_number)}"}
        self.found: list[Resource] = []

    def ago(self, low: float, high: float) -> datetime:
        """A moment between so many hours before now."""
        return (self.now - timedelta(hours=self.chance.uniform(low, high))).replace(second=0, microsecond=0)

    def add(self, resource_type: str, word: str, **elements: object) -> str:
        """One more resource; its reference."""
        made = self.practice.id(word, self.person.number)
        self.found.append({"resourceType": resource_type, "id": made, **elements})
        return f"{resource_type}/{made}"

    def doctor(self) -> Resource:
        """The physician who asks."""
        return person_reference(self.practice.one(Role.PHYSICIAN, self.person.number))


def matters(person: Person, practice: Practice, now: datetime) -> list[Resource]:
    """What goes on with this person beside hospital stays, as FHIR resources; mostly nothing."""
    told = _Told(person, practice, now)
    kind = _kind(person.number)
    if kind is not None:
        _TELL[kind](told)
    return marked(told.found)


def _kind(number: int) -> str | None:
    """Spread evenly, out of step with the stages of stays."""
    place = (number * 0.7548776662466927) % 1.0 * 1000
    for kind, weight in _SHARES:
        if place < weight:
            return kind
        place -= weight
    return None


def clinics(practice: Practice) -> list[Resource]:
    """The clinics that patients are referred to."""
    names = [name for *_, name in _SPECIALTIES]
    return marked([{"resourceType": "Organization", "id": practice.id("clinic", one), "name": one} for one in names])


def _referral(told: _Told, days: float) -> tuple[str, datetime]:
    service, question, clinic = told.chance.choice(_SPECIALTIES)
    asked = told.ago(days * 24 - 4, days * 24 + 4)
    reference = told.add(
        "ServiceRequest",
        "referral",
        status="active",
        intent="order",
        priority="routine",
        category=[coded(_SNOMED, "3457005", "Referral")],
        code={"text": service},
        subject=told.patient,
        authoredOn=asked.isoformat(),
        requester=told.doctor(),
        performer=[{"reference": f"Organization/{told.practice.id('clinic', clinic)}", "display": clinic}],
        reasonCode=[{"text": question}],
        note=[{"text": question}],
        occurrencePeriod={"start": asked.date().isoformat(), "end": (asked + timedelta(days=30)).date().isoformat()},
    )
    return reference, asked


def _sent(told: _Told, order: str, asked: datetime, *states: tuple[str, float]) -> None:
    """The Task that the clinic works on, with each state it reached and after how many days."""
    reached = [(state, asked + timedelta(days=days)) for state, days in (("requested", 0.1), *states)]
    reached = [(state, at) for state, at in reached if at < told.now]
    told.add(
        "Task",
        "referral-task",
        status=reached[-1][0],
        intent="order",
        code=coded("http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
        focus={"reference": order},
        basedOn=[{"reference": order}],
        extension=[_reached(state, at) for state, at in reached],
        **{"for": told.patient},
        authoredOn=reached[0][1].isoformat(),
        lastModified=reached[-1][1].isoformat(),
        requester=told.doctor(),
    )


def _reached(state: str, at: datetime) -> Resource:
    parts: list[Resource] = [{"url": "state", "valueCode": state}, {"url": "at", "valueDateTime": at.isoformat()}]
    return {"url": "urn:careloop:reached", "extension": parts}


def _booked(told: _Told, order: str, made: datetime, start: datetime, status: str) -> None:
    told.add(
        "Appointment",
        "referral-visit",
        status=status,
        created=made.isoformat(),
        start=start.isoformat(),
        end=(start + timedelta(minutes=30)).isoformat(),
        basedOn=[{"reference": order}],
        participant=[{"actor": told.patient, "status": "accepted"}],
    )


def _to_send(told: _Told) -> None:
    _referral(told, 0.4)


def _silent(told: _Told) -> None:
    order, asked = _referral(told, 12)
    _sent(told, order, asked)


def _has_date(told: _Told) -> None:
    order, asked = _referral(told, 9)
    _sent(told, order, asked, ("accepted", 2))
    _booked(told, order, asked + timedelta(days=3), told.now + timedelta(days=6), "booked")


def _seen(told: _Told) -> None:
    order, asked = _referral(told, 20)
    _sent(told, order, asked, ("accepted", 2))
    _booked(told, order, asked + timedelta(days=3), asked + timedelta(days=11), "fulfilled")


def _reported(told: _Told) -> None:
    order, asked = _referral(told, 20)
    _sent(told, order, asked, ("accepted", 1))
    _booked(told, order, asked + timedelta(days=2), asked + timedelta(days=9), "fulfilled")
    told.add(
        "DocumentReference",
        "referral-report",
        status="current",
        type=coded(_LOINC, "11488-4", "Consult note"),
        subject=told.patient,
        date=(asked + timedelta(days=13)).isoformat(),
        content=[{"attachment": {"contentType": "text/plain", "data": "U2VlbiB0b2RheS4gUGxhbiBiZWxvdy4="}}],
        context={"related": [{"reference": order}]},
    )


def _ordered(told: _Told) -> None:
    _order(told, "normal", told.ago(24, 24 * 20))


def _order(told: _Told, kind: str, at: datetime) -> str:
    code, name, *_ = _TESTS[kind]
    return told.add(
        "ServiceRequest",
        "order",
        status="active",
        intent="order",
        priority="routine",
        category=[coded(_SNOMED, "108252007", "Laboratory procedure")],
        code=coded(_LOINC, code, name),
        subject=told.patient,
        authoredOn=at.isoformat(),
        requester=told.doctor(),
    )


def _result(kind: str, low: float, high: float) -> Callable[[_Told], None]:
    def tell(told: _Told) -> None:
        code, name, value, unit, least, most, flag = _TESTS[kind]
        came = told.ago(low, high)
        order = _order(told, kind, came - timedelta(days=1))
        told.add(
            "Observation",
            "result",
            status="final",
            category=[coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
            code=coded(_LOINC, code, name),
            subject=told.patient,
            basedOn=[{"reference": order}],
            effectiveDateTime=(came - timedelta(hours=3)).isoformat(),
            issued=came.isoformat(),
            valueQuantity={"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
            referenceRange=[{"low": {"value": least, "unit": unit}, "high": {"value": most, "unit": unit}}],
            interpretation=[coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", flag)],
        )

    return tell


def _wrote(texts: Sequence[str], low: float, high: float) -> Callable[[_Told], None]:
    def tell(told: _Told) -> None:
        told.add(
            "Communication",
            "message",
            status="completed",
            subject=told.patient,
            sender=told.patient,
            recipient=[person_reference(told.practice.one(Role.NURSE, told.person.number))],
            sent=told.ago(low, high).isoformat(),
            medium=[coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "ONLINEWRIT")],
            payload=[{"contentString": told.chance.choice(texts)}],
        )

    return tell


def _missed(told: _Told) -> None:
    start = told.ago(20, 90)
    told.add(
        "Appointment",
        "missed",
        status="noshow",
        created=(start - timedelta(days=14)).isoformat(),
        start=start.isoformat(),
        end=(start + timedelta(minutes=30)).isoformat(),
        participant=[{"actor": told.patient, "status": "accepted"}],
    )


def _asked(pathway: str, words: str, priority: str, low: float, high: float) -> Callable[[_Told], None]:
    def tell(told: _Told) -> None:
        at = told.ago(low, high)
        told.add(
            "Task",
            pathway,
            status="requested",
            intent="order",
            priority=priority,
            code=coded("urn:careloop:open", pathway, words),
            **{"for": told.patient},
            authoredOn=at.isoformat(),
            lastModified=at.isoformat(),
            requester=told.doctor(),
        )

    return tell


_SHARES: Sequence[tuple[str, int]] = (
    ("to-send", 12), ("silent", 14), ("has-date", 14), ("seen", 10), ("reported", 10), ("ordered", 14),
    ("normal", 14), ("abnormal", 12), ("critical", 2), ("wrote", 16), ("warned", 3), ("missed", 12),
    ("medicines", 6), ("symptom", 4), ("intake", 6),
)  # fmt: skip
"""Kinds of matters, and how many of a thousand people have one."""

_TELL: dict[str, Callable[[_Told], None]] = {
    "to-send": _to_send,
    "silent": _silent,
    "has-date": _has_date,
    "seen": _seen,
    "reported": _reported,
    "ordered": _ordered,
    "normal": _result("normal", 4, 60),
    "abnormal": _result("abnormal", 4, 40),
    "critical": _result("critical", 0.2, 0.6),
    "wrote": _wrote(_WROTE, 1, 30),
    "warned": _wrote(_WARNED, 0.02, 0.15),
    "missed": _missed,
    "medicines": _asked("medication-reconciliation", "Compare medicines", "routine", 5, 60),
    "symptom": _asked("symptom-alert", "Symptom check", "urgent", 2, 12),
    "intake": _asked("new-patient-intake", "New patient", "routine", 20, 90),
}
