"""Made-up care for simulations: what opens matters, what proves their steps, and what goes wrong, as FHIR resources.

Everything comes from one random source, so that a run with the same seed is the same run.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Resource = dict[str, Any]

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_NUBC = "https://www.nubc.org/patient-discharge"
_LABORATORY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}
_REFERRAL = {"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}
_TEXTS = ("Can I get my refill?", "I have chest pain", "Thank you", "When is my visit?", "I fell yesterday")
_ISSUES = (
    {"system": _ACT_CODE, "code": "CAREGAP"},
    {"system": "urn:careloop:form", "code": "medicine-difference"},
    {"system": "urn:careloop:medicine-tier", "code": "contraindicated"},
    {"system": "urn:careloop:refill-gap", "code": "refill"},
    {"system": "urn:careloop:refill-gap", "code": "high-alert"},
)
_POTASSIUM = ("4.1", "4.4", "5.6", "6.6", "2.5")
_OUTCOMES = ("reached", "reached", "no-answer", "left-message", "wrong-number")


class Care:
    """Makes resources of one patient after the other. `staff` are references of practitioners, `new_id` gives ids that
    nothing else has."""

    def __init__(self, random: Random, staff: Sequence[str], new_id: Callable[[str], str]) -> None:
        self.random = random
        self.staff = staff
        self.new_id = new_id

    def opening(self, patient: str, now: datetime) -> Resource:
        """Something that may open a loop: a stay, an order, a result, a message, a visit that was missed."""
        return self.random.choice(self._OPENINGS)(self, patient, self.when(now))

    def when(self, now: datetime) -> datetime:
        """When something happened of which we hear now. One in five is told late, up to ten days."""
        return now - timedelta(minutes=self.random.randint(1, 14_400 if self.random.random() < 0.2 else 240))

    def _stay(self, patient: str, at: datetime) -> Resource:
        kind = self.random.choice(["IMP", "IMP", "EMER", "OBSENC"])
        place = self.random.choice(["01", "01", "06", "03", "02", "07", "50", "21"])
        return {
            "resourceType": "Encounter",
            "id": self.new_id("stay"),
            "status": "finished",
            "class": {"system": _ACT_CODE, "code": kind},
            "subject": _of(patient),
            "period": {"start": (at - timedelta(days=2)).isoformat(), "end": at.isoformat()},
            "hospitalization": {"dischargeDisposition": {"coding": [{"system": _NUBC, "code": place}]}},
        }

    def _planned(self, patient: str, at: datetime) -> Resource:
        """A stay that is planned (A05); one in four is taken back."""
        begins = at + timedelta(days=self.random.randint(3, 40))
        return {
            "resourceType": "Encounter",
            "id": self.new_id("plan"),
            "status": self.random.choice(["planned", "planned", "planned", "cancelled"]),
            "class": {"system": _ACT_CODE, "code": "IMP"},
            "subject": _of(patient),
            "period": {"start": begins.isoformat()},
        }

    def _announced(self, patient: str, at: datetime) -> Resource:
        """A stay whose end the hospital has announced (A16)."""
        return {
            "resourceType": "Encounter",
            "id": self.new_id("soon"),
            "status": "in-progress",
            "extension": [{"url": "urn:careloop:pending-discharge", "valueBoolean": True}],
            "class": {"system": _ACT_CODE, "code": self.random.choice(["IMP", "OBSENC"])},
            "subject": _of(patient),
            "period": {"start": (at - timedelta(days=2)).isoformat()},
        }

    def _issue(self, patient: str, at: datetime) -> Resource:
        """Something that is wrong with medicines or overdue, as what watches for it writes it; sometimes withdrawn."""
        return {
            "resourceType": "DetectedIssue",
            "id": self.new_id("issue"),
            "status": self.random.choice(["preliminary", "final", "final", "cancelled"]),
            "code": {"coding": [self.random.choice(_ISSUES)]},
            "severity": self.random.choice(["high", "moderate", "low"]),
            "patient": _of(patient),
            "identifiedDateTime": at.isoformat(),
        }

    def _referral(self, patient: str, at: datetime) -> Resource:
        return self._order(patient, at, _REFERRAL, "ref")

    def _test(self, patient: str, at: datetime) -> Resource:
        return self._order(patient, at, _LABORATORY, "lab")

    def _order(self, patient: str, at: datetime, category: Resource, word: str) -> Resource:
        return {
            "resourceType": "ServiceRequest",
            "id": self.new_id(word),
            "status": "active",
            "intent": "order",
            "priority": self.random.choice(["routine", "urgent", "asap", "stat"]),
            "category": [category],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "potassium"},
            "subject": _of(patient),
            "authoredOn": at.isoformat(),
            "requester": {"reference": self.random.choice(self.staff)},
        }

    def _result(self, patient: str, at: datetime) -> Resource:
        return self.report(patient, at, None)

    def report(self, patient: str, at: datetime, order: str | None) -> Resource:
        """A laboratory value, sometimes preliminary, sometimes critical."""
        found: Resource = {
            "resourceType": "Observation",
            "id": self.new_id("obs"),
            "status": self.random.choice(["preliminary", "final", "final", "corrected"]),
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                            "code": "laboratory",
                        }
                    ]
                }
            ],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
            "subject": _of(patient),
            "effectiveDateTime": at.isoformat(),
            "issued": at.isoformat(),
            "valueQuantity": {
                "value": Decimal(self.random.choice(_POTASSIUM)),
                "unit": "mmol/L",
                "system": "http://unitsofmeasure.org",
                "code": "mmol/L",
            },
        }
        return found | ({"basedOn": [{"reference": order}]} if order else {})

    def _message(self, patient: str, at: datetime) -> Resource:
        return {
            "resourceType": "Communication",
            "id": self.new_id("msg"),
            "status": "completed",
            "subject": _of(patient),
            "sender": _of(patient),
            "recipient": [{"reference": self.random.choice(self.staff)}],
            "sent": at.isoformat(),
            "payload": [{"contentString": self.random.choice(_TEXTS)}],
        }

    def _missed(self, patient: str, at: datetime) -> Resource:
        return {
            "resourceType": "Appointment",
            "id": self.new_id("appt"),
            "status": self.random.choice(["noshow", "cancelled"]),
            "created": (at - timedelta(days=5)).isoformat(),
            "start": at.isoformat(),
            "end": (at + timedelta(minutes=30)).isoformat(),
            "participant": [{"actor": _of(patient), "status": "accepted"}],
        }

    _OPENINGS: Sequence[Callable[["Care", str, datetime], Resource]] = (
        _stay, _stay, _referral, _test, _result, _message, _missed, _planned, _announced, _issue,
    )  # fmt: skip

    def proof(self, patient: str, now: datetime, focus: str, task: str, categories: Sequence[str]) -> Resource:
        """Something that may prove a step of a loop about `focus`, whose Task is `task`."""
        about = self.random.choice([focus, focus, task])
        makers = (self._call, self._call, self._note, self._visit, self._paper, self._compared, self._fulfilled)
        return self.random.choice(makers)(patient, now, about, categories)

    def _call(self, patient: str, now: datetime, about: str, categories: Sequence[str]) -> Resource:
        outcome = self.random.choice(_OUTCOMES)
        made = self._said(patient, now, about, "outreach")
        made |= {"recipient": [_of(patient)], "medium": [{"coding": [{"code": "PHONE"}]}]}
        if outcome != "reached":
            made["status"] = "not-done"
            made["statusReason"] = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
        return made

    def _note(self, patient: str, now: datetime, about: str, categories: Sequence[str]) -> Resource:
        return self._said(patient, now, about, self.random.choice(categories))

    def _said(self, patient: str, now: datetime, about: str, category: str) -> Resource:
        return {
            "resourceType": "Communication",
            "id": self.new_id("com"),
            "status": "completed",
            "category": [{"coding": [{"system": "urn:careloop:communication", "code": category}]}],
            "subject": _of(patient),
            "sender": {"reference": self.random.choice(self.staff)},
            "about": [{"reference": about}],
            "sent": now.isoformat(),
        }

    def _visit(self, patient: str, now: datetime, about: str, categories: Sequence[str]) -> Resource:
        return {
            "resourceType": "Encounter",
            "id": self.new_id("visit"),
            "status": "finished",
            "class": {"system": _ACT_CODE, "code": self.random.choice(["AMB", "HH", "VR"])},
            "subject": _of(patient),
            "period": {"start": now.isoformat(), "end": now.isoformat()},
            "participant": [{"individual": {"reference": self.random.choice(self.staff)}}],
            **({"basedOn": [{"reference": about}]} if about.startswith("ServiceRequest/") else {}),
        }

    def _paper(self, patient: str, now: datetime, about: str, categories: Sequence[str]) -> Resource:
        code = self.random.choice(["18842-5", "11488-4"])
        return {
            "resourceType": "DocumentReference",
            "id": self.new_id("doc"),
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": _of(patient),
            "date": now.isoformat(),
            "content": [{"attachment": {"contentType": "text/plain", "data": "dGV4dA=="}}],
            "context": {"related": [{"reference": about}]},
        }

    def _compared(self, patient: str, now: datetime, about: str, categories: Sequence[str]) -> Resource:
        return {
            "resourceType": "Procedure",
            "id": self.new_id("proc"),
            "status": "completed",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "430193006"}]},
            "subject": _of(patient),
            "performedDateTime": now.isoformat(),
            **({"basedOn": [{"reference": about}]} if about.startswith("ServiceRequest/") else {}),
        }

    def _fulfilled(self, patient: str, now: datetime, about: str, categories: Sequence[str]) -> Resource:
        states = ["requested", "accepted", "in-progress", "completed"]
        reached = states[: self.random.randint(1, 4)]
        return {
            "resourceType": "Task",
            "id": self.new_id("ful"),
            "status": reached[-1],
            "intent": "order",
            "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
            "focus": {"reference": about},
            "for": _of(patient),
            "authoredOn": now.isoformat(),
            "lastModified": now.isoformat(),
            "extension": [_reached(state, now) for state in reached],
        }


def _reached(state: str, at: datetime) -> Mapping[str, Any]:
    parts = [{"url": "state", "valueCode": state}, {"url": "at", "valueDateTime": at.isoformat()}]
    return {"url": "urn:careloop:reached", "extension": parts}


def _of(patient: str) -> Resource:
    return {"reference": f"Patient/{patient}"}
