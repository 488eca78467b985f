"""What was answered in a check-in becomes a QuestionnaireResponse and Observations, and goes through the limits.

By the link, by a nurse on the phone, or as a form that any system wrote: the same Observations follow. Ids are made of
the form, so that the same form again changes nothing; what is said otherwise later amends them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import writing
from careloop.flows.app import App
from careloop.flows.home_readings import SYMPTOM
from careloop.monitoring import check_in_store
from careloop.monitoring.check_in_store import Kept
from careloop.monitoring.content import Monitoring
from careloop.monitoring.rules import check_ins
from careloop.monitoring.rules.check_ins import Form, Outcome
from careloop.record import Stored, Write

FORM = "urn:careloop:check-in:"
ASKED_BY = "urn:careloop:check-in-request"
LEVEL, SCORE = "check-in", "urn:careloop:score"
_MISTAKE = "entered-in-error"
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Response:
    """One form: whose, by whom, when, for which request, as far as it was answered."""

    id: str
    patient_id: str
    request: str
    forms: Sequence[Form]
    answers: Mapping[str, str]
    at: str
    author: str
    complete: bool
    language: str = "en"


def response_id(tenant_id: int, request: str) -> str:
    """The form that answers a request."""
    return derived_id(tenant_id, "check-in", request)


def value_id(tenant_id: int, request: str, number: int) -> str:
    """The n-th value that was given with the answer to a request."""
    return derived_id(tenant_id, "check-in value", request, number)


def resource_of(one: Response) -> Json:
    """The QuestionnaireResponse: in progress until the last question is answered."""
    said = check_ins.said_so_far(one.forms, one.answers)
    me = {"reference": f"Patient/{one.patient_id}"}
    found: Json = {
        "resourceType": "QuestionnaireResponse",
        "id": one.id,
        "extension": [{"url": ASKED_BY, "valueReference": {"reference": f"CommunicationRequest/{one.request}"}}],
        "language": one.language,
        "questionnaire": FORM + ".".join(form["id"] for form in one.forms),
        "status": "completed" if one.complete else "in-progress",
        "subject": me,
        "authored": one.at,
        "author": {"reference": one.author},
        "source": me,
        "item": [
            {
                "linkId": line.place,
                "text": line.question["asks"],
                "answer": [{"valueCoding": {"code": line.answer["id"], "display": line.answer["says"]}}],
            }
            for line in said
        ],
    }
    if not found["item"]:
        del found["item"]
    return found


def answers_of(resource: Mapping[str, Any], forms: Sequence[Form]) -> dict[str, str]:
    """The answers of a form by place. A form of one kind may leave the name of the form out of its places."""
    found = {}
    for item in resource.get("item", ()):
        coding = next((one.get("valueCoding") or {} for one in item.get("answer", ())), {})
        place = str(item.get("linkId", ""))
        if "." not in place and len(forms) == 1:
            place = f"{forms[0]['id']}.{place}"
        if coding.get("code"):
            found[place] = str(coding["code"])
    return found


def forms_named(content: Monitoring, resource: Mapping[str, Any]) -> tuple[Form, ...]:
    """The forms that a QuestionnaireResponse answers; none where it is no check-in."""
    named = str(resource.get("questionnaire", "")).partition("|")[0]
    if not named.startswith(FORM):
        return ()
    by_id = {one["id"]: one for one in content.check_ins["forms"]}
    return tuple(by_id[one] for one in named.removeprefix(FORM).split(".") if one in by_id)


def observations(app: App, tx: Transaction, content: Monitoring, one: Response, found: Outcome) -> list[Json]:
    """The level with the symptoms that were told and the scores of questions; what was said before and is said no more
    is a mistake."""
    told = [
        {"code": {"coding": [{"system": SYMPTOM, "code": code}], "text": code.replace("-", " ")}, "valueBoolean": True}
        for code in found.symptoms
    ]
    level = _score(tx.tenant_id, one, LEVEL, found.level)
    if told:
        level["component"] = told
    made = [level, *(_score(tx.tenant_id, one, code, value) for code, value in sorted(found.scores.items()))]
    ids = {each["id"] for each in made}
    others = [own for code in _score_codes(content) if (own := _score_id(tx.tenant_id, one.id, code)) not in ids]
    return [*made, *_mistakes(app, tx, others)]


def _score_codes(content: Monitoring) -> list[str]:
    questions = (question for form in content.check_ins["forms"] for question in form["questions"])
    return sorted({question["score"] for question in questions if "score" in question})


def _mistakes(app: App, tx: Transaction, ids: Sequence[str]) -> list[Json]:
    stored = app.record.fetch(tx, [f"Observation/{own}" for own in ids]) if ids else {}
    return [{**each.resource, "status": _MISTAKE} for each in stored.values() if not each.deleted]


def _score(tenant_id: int, one: Response, code: str, value: int) -> Json:
    me = {"reference": f"Patient/{one.patient_id}"}
    return {
        "resourceType": "Observation",
        "id": _score_id(tenant_id, one.id, code),
        "status": "final",
        "code": {"coding": [{"system": SCORE, "code": code}], "text": code.replace("-", " ").capitalize()},
        "subject": me,
        "effectiveDateTime": one.at,
        "performer": [me],
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{one.id}"}],
        "valueQuantity": {"value": value, "unit": "points", "system": "http://unitsofmeasure.org", "code": "{score}"},
    }


def _score_id(tenant_id: int, response: str, code: str) -> str:
    return derived_id(tenant_id, "check-in score", response, code)


def keep(app: App, tx: Transaction, content: Monitoring, one: Response) -> Outcome | None:
    """The form stands as far as it goes. What it comes to is in the limits when it is complete, and at once when a
    warning is in it. None where nothing was said yet."""
    writes = [resource_of(one)]
    now = app.clock.now()
    found = outcome_of(content, one)
    counts = found is not None and (one.complete or found.level == _WARNING)
    if found is not None and counts:
        writes += observations(app, tx, content, one, found)
    _write(app, tx, writes)
    if found is None:
        return None
    if one.complete:
        check_in_store.answer(tx, one.request, one.id, found, now, complete=True)
    else:
        check_in_store.draft(tx, one.request, one.id, found, now)
    return found


_WARNING = 3


def outcome_of(content: Monitoring, one: Response) -> Outcome | None:
    """What the answers come to so far; None where nothing was said."""
    try:
        return check_ins.outcome(one.forms, one.answers, content.check_ins["levels"], so_far=True)
    except Rejected:
        return None


def take_as_is(app: App, tx: Transaction, content: Monitoring, kept: Kept, *, closing: bool) -> list[str]:
    """A form that was left half-way counts as it is; the Observations of it. With `closing` it goes on no more."""
    stored = app.record.fetch(tx, [f"QuestionnaireResponse/{kept.response}"]).get(
        f"QuestionnaireResponse/{kept.response}"
    )
    if stored is None or stored.deleted:
        return []
    one = of_resource(content, stored, kept.id)
    found = outcome_of(content, one)
    if found is None:
        return []
    writes = observations(app, tx, content, one, found)
    if closing:
        writes.append({**stored.resource, "status": "stopped"})
        check_in_store.answer(tx, kept.id, one.id, found, kept.touched or app.clock.now(), complete=False)
    _write(app, tx, writes)
    return [each["id"] for each in writes if each["resourceType"] == "Observation"]


def of_resource(content: Monitoring, stored: Stored, request: str) -> Response:
    """A stored form as a value."""
    resource = stored.resource
    forms = forms_named(content, resource)
    author = resource.get("author") or resource.get("source") or {}
    return Response(
        id=stored.id,
        patient_id=str(stored.patient_id),
        request=request,
        forms=forms,
        answers=answers_of(resource, forms),
        at=_stamp(resource, stored.last_updated),
        author=str(author.get("reference", f"Patient/{stored.patient_id}")),
        complete=resource.get("status") in ("completed", "amended"),
        language=str(resource.get("language", "en")),
    )


def _stamp(resource: Mapping[str, Any], otherwise: datetime) -> str:
    text = str(resource.get("authored", ""))
    return text if "T" in text else otherwise.isoformat(timespec="seconds")


def take_in(app: App, tx: Transaction, content: Monitoring, ids: Sequence[str]) -> list[str]:
    """Check-ins that any system wrote as a QuestionnaireResponse, by whatever door, count like those by the link; the
    Observations that follow. Those that were kept here are left as they are."""
    made: list[str] = []
    found = app.record.fetch(tx, [f"QuestionnaireResponse/{own}" for own in ids])
    for stored in found.values():
        if stored.deleted or stored.patient_id is None or not forms_named(content, stored.resource):
            continue
        status = stored.resource.get("status")
        if status == _MISTAKE:
            made += _withdrawn(app, tx, content, stored)
        elif status in ("completed", "amended"):
            made += _from_outside(app, tx, content, stored)
    return made


def _from_outside(app: App, tx: Transaction, content: Monitoring, stored: Stored) -> list[str]:
    known = check_in_store.rows_of(tx, "of_response", response=stored.id)
    one = of_resource(content, stored, str(known[0]["id"]) if known else stored.id)
    result = outcome_of(content, one)
    if result is None:
        return []
    wanted = observations(app, tx, content, one, result)
    standing = app.record.fetch(tx, [f"Observation/{each['id']}" for each in wanted])
    if len(standing) == len(wanted) and all(_same(standing, each) for each in wanted):
        return []
    _write(app, tx, wanted)
    if not known:
        one = _matched(tx, one)
    check_in_store.answer(tx, one.request, one.id, result, app.clock.now(), complete=True)
    return [each["id"] for each in wanted]


def _same(standing: Mapping[str, Stored], wanted: Json) -> bool:
    known = standing[f"Observation/{wanted['id']}"].resource
    return known.get("valueQuantity", {}).get("value") == wanted["valueQuantity"]["value"] and (
        known.get("status") == wanted["status"] and known.get("component") == wanted.get("component")
    )


_LONGEST_OPEN = timedelta(days=7)


def _matched(tx: Transaction, one: Response) -> Response:
    """The open request that the form answers; else it stands for itself, as one that nobody asked for."""
    at = datetime.fromisoformat(one.at)
    asked = check_in_store.of_patients(tx, [one.patient_id], at - _LONGEST_OPEN)[one.patient_id]
    open_ones = [each for each in asked if each.state == "open" and each.response is None and each.asked <= at]
    if open_ones:
        return replace(one, request=open_ones[-1].id)
    given = {"id": one.id, "patient_id": one.patient_id, "asked": at, "closes": at}
    check_in_store.execute(tx, "ask", **given, medium="ONLINEWRIT", sent=False)
    return one


def _withdrawn(app: App, tx: Transaction, content: Monitoring, stored: Stored) -> list[str]:
    ids = [_score_id(tx.tenant_id, stored.id, code) for code in (LEVEL, *_score_codes(content))]
    wrong = _mistakes(app, tx, ids)
    _write(app, tx, wrong)
    return [each["id"] for each in wrong]


def _write(app: App, tx: Transaction, resources: Sequence[Json]) -> None:
    writes = [
        Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources
    ]
    if writes:
        writing.write(app, tx, system_principal(tx.tenant_id, "check-in"), writes, each=True)
