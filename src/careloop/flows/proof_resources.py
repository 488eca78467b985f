"""The FHIR resources that a person's proof becomes: one for each kind of way, as any other system would write them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows.filing import stamp
from careloop.loops.ownership import LEAD, ROLE
from careloop.loops.rules.proving import OUTREACH, Kind, Way

Json = dict[str, Any]

CLASSES: Mapping[str, str] = {"AMB": "At the practice", "HH": "At home", "VR": "By video", "FLD": "In the field"}
"""Where a visit took place (v3-ActCode)."""
MEDIA: Mapping[str, str] = {"PHONE": "By phone", "FACE": "Face to face", "VIDEOCONF": "By video"}
"""How two people spoke (v3-ParticipationMode): both sides speak."""
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_VISIT = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a person wrote on the form. `choice`: `yes` or `no`; `how`: a code of `CLASSES` or `MEDIA`; `who`: a
    reference of the staff, or the name of somebody outside; `points`: each with what was said to it."""

    text: str = ""
    choice: str = ""
    how: str = ""
    who: str = ""
    title: str = ""
    when: datetime | None = None
    points: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class About:
    """What the proof is about: patient, matter (`Type/id`), the step's Task; who says so, and when and where."""

    patient: str
    focus: str
    task: str
    by: Mapping[str, Any]
    now: datetime
    zone: ZoneInfo

    def stamp(self, at: datetime | None = None) -> str:
        """An instant in the zone of the practice."""
        return stamp(at or self.now, self.zone)

    @property
    def based_on(self) -> Json:
        """`basedOn` for resources that may name nothing but an order."""
        return {"basedOn": [{"reference": self.focus}]} if self.focus.startswith("ServiceRequest/") else {}


def resource_for(way: Way, said: Said, about: About) -> Json:
    """The resource with an id of its own. `Rejected` for what is missing."""
    made = _MAKERS[way.kind](way, said, about)
    return {"id": new_id(), **made}


def is_no(way: Way, said: Said) -> bool:
    """True where the person wrote down that it is not so: kept, and no proof."""
    return way.kind in (Kind.CONSENT, Kind.ANSWER, Kind.TALK) and said.choice == "no"


def _note(way: Way, said: Said, about: About) -> Json:
    text = "\n".join([*(f"{answer or 'Not yet'}: {point}" for point, answer in said.points), said.text.strip()])
    if not text.strip():
        raise Rejected(at="text", expected="a sentence", code="required")
    return _communication(way.categories, text.strip(), about)


def _talk(way: Way, said: Said, about: About) -> Json:
    named = way.categories or (OUTREACH,)
    if is_no(way, said):
        named = (OUTREACH, "urn:careloop:communication|not-confirmed")
    found = _communication(named, _sentence(said), about)
    found |= {"recipient": [_person(about.patient)], "medium": [_concept(f"{_MODE}|{_how(said, MEDIA)}")]}
    return {name: value for name, value in found.items() if name != "basedOn"} if is_no(way, said) else found


def _communication(categories: Sequence[str], text: str, about: About) -> Json:
    found: Json = {
        "resourceType": "Communication",
        "basedOn": [{"reference": about.task}],
        "status": "completed",
        "category": [_concept(code) for code in categories],
        "subject": _person(about.patient),
        "about": [{"reference": about.focus}],
        "sent": about.stamp(),
        "payload": [{"contentString": text}],
    }
    if "reference" in about.by:
        found["sender"] = dict(about.by)
    return found


def _consent(way: Way, said: Said, about: About) -> Json:
    if said.choice not in ("yes", "no"):
        raise Rejected(at="choice", expected="yes or no", code="required")
    agreed = said.choice == "yes"
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": _concept("http://terminology.hl7.org/CodeSystem/consentscope|patient-privacy"),
        "category": [_concept("http://loinc.org|59284-0")],
        "patient": _person(about.patient),
        "dateTime": about.stamp(),
        "performer": [_person(about.patient)],
        "policyRule": {**_concept(f"{_ACT_CODE}|{'OPTIN' if agreed else 'OPTOUT'}"), "text": _sentence(said)},
        "verification": [{"verified": True, "verifiedWith": _person(about.patient), "verificationDate": about.stamp()}],
        "provision": {"type": "permit" if agreed else "deny"},
    }


def _booking(way: Way, said: Said, about: About) -> Json:
    start = _when(said)
    if start <= about.now:
        raise Rejected(at="when", expected="a time that has not come yet", code="value")
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "description": _sentence(said),
        "created": about.stamp(),
        "start": about.stamp(start),
        "end": about.stamp(start + _VISIT),
        "supportingInformation": [{"reference": about.focus}],
        **about.based_on,
        "participant": [{"actor": _person(about.patient), "status": "accepted"}],
    }


def _visit(way: Way, said: Said, about: About) -> Json:
    start = _past(said, about)
    where = _how(said, {code: CLASSES[code] for code in way.classes or CLASSES if code in CLASSES})
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": _ACT_CODE, "code": where, "display": CLASSES[where]},
        "subject": _person(about.patient),
        "participant": [{"individual": {"reference": _member(said)}}],
        "period": {"start": about.stamp(start), "end": about.stamp(min(start + _VISIT, about.now))},
        "reasonCode": [{"text": _sentence(said)}],
        **about.based_on,
    }


def _procedure(way: Way, said: Said, about: About) -> Json:
    name = said.title.strip()
    if not name and not way.codes:
        raise Rejected(at="title", expected="what was done", code="required")
    coded = _concept(way.codes[0]) if way.codes else {}
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {**coded, **({"text": name} if name else {})},
        "subject": _person(about.patient),
        "performedDateTime": about.stamp(_past(said, about)),
        "note": [{"text": _sentence(said)}],
        **({"performer": [{"actor": dict(about.by)}]} if way.codes and "reference" in about.by else {}),
        **about.based_on,
    }


def _form(way: Way, said: Said, about: About) -> Json:
    answered = [(point, answer.strip()) for point, answer in said.points if answer.strip()]
    if not answered:
        raise Rejected(at="points", expected="at least one answer", code="required")
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": _person(about.patient),
        "authored": about.stamp(),
        "source": _person(about.patient),
        **({"author": dict(about.by)} if "reference" in about.by else {}),
        "item": [
            {"linkId": str(number), "text": point, "answer": [{"valueString": answer}]}
            for number, (point, answer) in enumerate(answered, start=1)
        ],
    }


def _plan(way: Way, said: Said, about: About) -> Json:
    tasks = [line.strip() for line in said.title.splitlines() if line.strip()]
    if not tasks:
        raise Rejected(at="title", expected="what is done, a line each", code="required")
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "title": "Care plan",
        "description": _sentence(said),
        "subject": _person(about.patient),
        "created": about.stamp(),
        "period": {"start": about.stamp()},
        **({"author": dict(about.by)} if "reference" in about.by else {}),
        "activity": [{"detail": {"status": "not-started", "description": line}} for line in tasks],
    }


def _team(way: Way, said: Said, about: About) -> Json:
    return {
        "resourceType": "CareTeam",
        "status": "active",
        "name": "Care team",
        "subject": _person(about.patient),
        "period": {"start": about.stamp()},
        "participant": [
            {
                "role": [_concept(f"{ROLE}|{LEAD}")],
                "member": {"reference": _member(said)},
                "period": {"start": about.stamp()},
            }
        ],
        **({"note": [{"text": said.text.strip()}]} if said.text.strip() else {}),
    }


def _sentence(said: Said) -> str:
    if not said.text.strip():
        raise Rejected(at="text", expected="a sentence", code="required")
    return said.text.strip()


def _how(said: Said, allowed: Mapping[str, str]) -> str:
    if said.how not in allowed:
        raise Rejected(at="how", expected=f"one of {', '.join(allowed)}", code="code-invalid")
    return said.how


def _when(said: Said) -> datetime:
    if said.when is None:
        raise Rejected(at="when", expected="a date and a time", code="required")
    return said.when


def _past(said: Said, about: About) -> datetime:
    found = _when(said)
    if found > about.now:
        raise Rejected(at="when", expected="a time that has passed", code="value")
    return found


def _member(said: Said) -> str:
    if not said.who.startswith(("Practitioner/", "PractitionerRole/")):
        raise Rejected(at="who", expected="somebody of the staff", code="required")
    return said.who


def _person(patient: str) -> Json:
    return {"reference": f"Patient/{patient}"}


def _concept(code: str) -> Json:
    system, _, value = code.rpartition("|")
    return {"coding": [{"system": system, "code": value}]}


_MAKERS: Mapping[Kind, Callable[[Way, Said, About], Json]] = {
    Kind.NOTE: _note,
    Kind.TALK: _talk,
    Kind.CONSENT: _consent,
    Kind.BOOKING: _booking,
    Kind.VISIT: _visit,
    Kind.PROCEDURE: _procedure,
    Kind.FORM: _form,
    Kind.PLAN: _plan,
    Kind.TEAM: _team,
}
"""Requests to organizations, their answers and Tasks that are done change what is there: `flows.proof_tasks`."""
