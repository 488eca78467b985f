"""A check-in from its first question to its end: started, answered page by page, shared, resumed, finished.

It is one QuestionnaireResponse, in progress until it is finished. Every page is a version of it, and every answer says
who gave it, when, in which mode and language; so it can be left and gone on with anywhere, by several people at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.assessments import content_of
from careloop.assessments.model import Answer, CheckIn, Choice, Content, Instrument, Need
from careloop.assessments.questionnaires import coding_of, system_of
from careloop.assessments.reading import ANSWERED, Read, read_response
from careloop.assessments.resources import VIOLENCE, stamp
from careloop.assessments.rules import needs_of
from careloop.assessments.rules.planning import Part, Step, of_instrument, open_steps, plan
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.flows.assessing import HELP
from careloop.flows.checkin_facts import Knowledge, knowledge_of
from careloop.record import Write

Json = dict[str, Any]
SKIPPED, REOPENED, MODE = "urn:careloop:skipped", "urn:careloop:reopened", "urn:careloop:mode"
MODES: Mapping[str, str] = {
    "interview": "You ask, here or by phone",
    "self": "The patient fills it in here",
}
"""How staff may give answers (AS-01)."""
_LONGEST = 2000
_MOST_STEPS = 400


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Who answers: `who` is patient, caregiver or staff, `by` the name that stands beside the answer."""

    who: str
    by: str
    mode: str
    language: str = "en"


@dataclass(frozen=True, kw_only=True)
class Session:
    """A check-in as it stands. `answers` are by linkId; `parts` what it asks now; `checkin` or `instrument` is what it
    is made of."""

    id: str
    version: int
    resource: Mapping[str, Any]
    patient: Mapping[str, Any]
    content: Content
    read: Read
    knowledge: Knowledge
    parts: tuple[Part, ...]
    skipped: frozenset[str]
    zone: ZoneInfo
    checkin: CheckIn | None = None
    instrument: Instrument | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def patient_id(self) -> str:
        """Whose it is."""
        return str(self.patient["id"])

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.checkin.title if self.checkin else self.instrument.title if self.instrument else ""

    @property
    def is_open(self) -> bool:
        """True until it is finished or stopped."""
        return self.resource.get("status") == "in-progress"

    def open_for(self, who: str, only: Sequence[str] = ()) -> list[Step]:
        """What this person still has to be asked, in order."""
        return open_steps(self.parts, who, self.answers, skipped=self.skipped, only=only)

    def step(self, link: str) -> Step | None:
        """The question with this linkId, whether or not it was answered."""
        steps = [step for part in self.parts for step in part.steps]
        shown = [one.step for part in self.parts for one in part.shown]
        return next((step for step in (*steps, *shown) if step.link == link), None)

    @property
    def needs(self) -> tuple[Need, ...]:
        """Needs that the answers tell of and for which help can be offered: not those about violence."""
        found = needs_of(self.content.needs, self.read.by_loinc, self.read.by_item)
        return tuple(need for need in found if not need.private and need.due != "none")


def start(app: App, tx: Transaction, principal: Principal, patient_id: str, what: str) -> str:
    """The id of the check-in for `what` (an instrument or a check-in of content): the one that is open, else a new
    one. `Rejected` for what cannot be asked here."""
    require(principal, "create", "QuestionnaireResponse")
    content = content_of(app.catalog)
    form: CheckIn | Instrument | None = content.checkins.get(what) or content.instruments.get(what)
    if form is None or (isinstance(form, Instrument) and not form.can_be_asked):
        raise Rejected(at="what", expected="an assessment whose questions are here", code="code-invalid")
    app.record.read(tx, principal, "Patient", patient_id)
    tx.lock(f"patient {patient_id}")
    mine = app.record.of_patient(tx, patient_id, ("QuestionnaireResponse",))
    for one in mine:
        url = str(one.resource.get("questionnaire", ""))
        if one.resource.get("status") == "in-progress" and url == f"{form.url}|{form.version}":
            return one.id
    now, zone = app.clock.now(), people.zone_of(tx)
    response: Json = {
        "resourceType": "QuestionnaireResponse",
        "id": new_id(),
        "status": "in-progress",
        "questionnaire": f"{form.url}|{form.version}",
        "subject": {"reference": f"Patient/{patient_id}"},
        "author": {"reference": principal.reference, "display": principal.name},
        "source": {"reference": f"Patient/{patient_id}"},
        "language": "en",
        "authored": stamp(now, zone),
    }
    _put(app, tx, principal, response)
    return str(response["id"])


def load(app: App, tx: Transaction, response_id: str) -> Session:
    """The check-in as it stands. Not audited: whoever shows it reads the patient. `NotFound` where there is none."""
    stored = app.record.fetch(tx, [f"QuestionnaireResponse/{response_id}"]).get(f"QuestionnaireResponse/{response_id}")
    if stored is None or stored.deleted or stored.patient_id is None:
        raise NotFound("there is no such check-in")
    content = content_of(app.catalog)
    name = str(stored.resource.get("questionnaire", "")).partition("|")[0].rpartition(":")[2]
    checkin, instrument = content.checkins.get(name), content.instruments.get(name)
    if checkin is None and instrument is None:
        raise NotFound("there is no such check-in")
    patient = app.record.fetch(tx, [f"Patient/{stored.patient_id}"])[f"Patient/{stored.patient_id}"].resource
    knowledge = knowledge_of(app, tx, content, patient, app.clock.now(), without=response_id)
    read = read_response(stored.resource, content)
    answers = _answers(stored.resource, read)
    reopened = _marked(stored.resource, REOPENED)
    if checkin is not None:
        parts = plan(checkin, content, knowledge.facts, answers, reopened)
    else:
        assert instrument is not None
        parts = (of_instrument(instrument, content, knowledge.facts, answers),)
    return Session(
        id=response_id,
        version=stored.version,
        resource=stored.resource,
        patient=patient,
        content=content,
        read=read,
        knowledge=knowledge,
        parts=parts,
        skipped=frozenset(_marked(stored.resource, SKIPPED)),
        zone=people.zone_of(tx),
        checkin=checkin,
        instrument=instrument,
        answers=answers,
    )


def save(
    app: App,
    tx: Transaction,
    principal: Principal,
    response_id: str,
    link: str,
    given: Mapping[str, Any],
    teller: Teller,
) -> Session:
    """One page is saved: an answer, a skip, a known answer that is still right or is so no more. The check-in as it
    stands then. `Rejected` for an answer that is none, `Conflict` where the check-in is over."""
    tx.lock(f"check-in {response_id}")
    session = load(app, tx, response_id)
    if not session.is_open:
        raise Conflict("this check-in is finished")
    act = str(given.get("do", "answer"))
    if link.endswith("/again"):
        line: Json = {"linkId": link, "extension": [{"url": REOPENED, "valueString": teller.by}]}
    elif link.startswith("offers/"):
        line = _line(link, _offer(session, link, given), teller, app.clock.now(), session)
    else:
        step = session.step(link)
        if step is None or (step.private and teller.who == "caregiver"):
            raise Rejected(at="link", expected="a question of this check-in", code="code-invalid")
        line = _acted(session, step, act, given, teller, app.clock.now())
    changed = _with(session.resource, line)
    changed = _in_mode(changed, teller, principal if teller.who == "staff" else None)
    changed["authored"] = stamp(app.clock.now(), session.zone)
    if _holds_private(session, link, line):
        changed = _labelled(changed)
    _put(app, tx, principal, changed)
    return load(app, tx, response_id)


def finish(app: App, tx: Transaction, principal: Principal, response_id: str) -> Session:
    """The check-in is complete: scores, proposals and requests follow from it. What was not answered stays unknown."""
    tx.lock(f"check-in {response_id}")
    session = load(app, tx, response_id)
    if not session.is_open:
        raise Conflict("this check-in is finished")
    if not session.answers:
        raise Rejected(at="do", expected="at least one answer", code="required")
    whole = _shared_items(session)
    _put(app, tx, principal, {**whole, "status": "completed", "authored": stamp(app.clock.now(), session.zone)})
    return load(app, tx, response_id)


def stop(app: App, tx: Transaction, principal: Principal, response_id: str) -> None:
    """The check-in is given up: its answers stay readable and count for nothing."""
    tx.lock(f"check-in {response_id}")
    session = load(app, tx, response_id)
    if session.is_open:
        _put(app, tx, principal, {**session.resource, "status": "stopped"})


def answer_from(step: Step, given: Mapping[str, Any]) -> Answer:
    """What a form gave as an answer to this question; `Rejected` for none and for one that is not among its answers."""
    choices = step.item.choices if step.item else step.own.choices if step.own else ()
    many = bool(step.item and step.item.many)
    raw = given.get("answer", "")
    values = [str(one) for one in (raw if isinstance(raw, list) else [raw]) if str(one).strip()]
    if choices:
        known = [one for one in choices if one.code in values]
        if not known or (len(known) > 1 and not many) or len(known) != len(set(values)):
            raise Rejected(at="answer", expected="one of the answers", code="required")
        text = str(given.get("text", "")).strip()[:_LONGEST] if step.own and step.own.kind == "confirm" else ""
        return Answer(codes=tuple(one.code for one in known), text=text)
    text = values[0].strip() if values else ""
    if step.own is not None and step.own.kind == "text":
        if not text:
            raise Rejected(at="answer", expected="a few words", code="required")
        return Answer(text=text[:_LONGEST])
    return Answer(number=_number(step, text))


def _number(step: Step, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Rejected(at="answer", expected="a number", code="value") from None
    least = step.item.least if step.item else Decimal(0)
    most = step.item.most if step.item else Decimal(step.own.most) if step.own and step.own.most is not None else None
    if not number.is_finite() or (least is not None and number < least) or (most is not None and number > most):
        raise Rejected(at="answer", expected=f"a number from {least} to {most}", code="value")
    return number


def _offer(session: Session, link: str, given: Mapping[str, Any]) -> Answer:
    """Whether help with a need is wanted (AS-08)."""
    named = link.removeprefix("offers/").removeprefix(HELP)
    said = str(given.get("answer", ""))
    if named not in {need.id for need in session.needs} or said not in ("yes", "no"):
        raise Rejected(at="answer", expected="yes or no", code="required")
    return Answer(codes=(said,))


def _acted(session: Session, step: Step, act: str, given: Mapping[str, Any], teller: Teller, now: datetime) -> Json:
    if act == "skip":
        return {"linkId": step.link, "extension": [{"url": SKIPPED, "valueString": teller.by}]}
    if act == "reopen":
        return {"linkId": step.link, "extension": [{"url": REOPENED, "valueString": teller.by}]}
    if act == "keep":
        if step.last is None:
            raise Rejected(at="answer", expected="an answer from before", code="required")
        return _line(step.link, step.last.answer, teller, now, session, choices=_choices(step))
    return _line(step.link, answer_from(step, given), teller, now, session, choices=_choices(step))


def _choices(step: Step) -> Sequence[Choice]:
    return step.item.choices if step.item else step.own.choices if step.own else ()


def _line(
    link: str, answer: Answer, teller: Teller, now: datetime, session: Session, choices: Sequence[Choice] = ()
) -> Json:
    """An answer with who gave it, when, how and in which language (AS-01)."""
    known = {one.code: one for one in choices}
    values: list[Json] = [
        {"valueCoding": coding_of(known[code]) if code in known else {"system": system_of(code), "code": code}}
        for code in answer.codes
    ]
    if not values and answer.number is not None:
        values = [{"valueDecimal": answer.number}]
    if answer.text and not answer.codes:
        values = [{"valueString": answer.text}]
    elif answer.text and known and answer.text not in {one.text for one in choices}:
        values.append({"valueString": answer.text})
    told = [
        {"url": "by", "valueString": teller.by},
        {"url": "as", "valueCode": teller.who},
        {"url": "at", "valueDateTime": stamp(now, session.zone)},
        {"url": "mode", "valueCode": teller.mode},
        {"url": "language", "valueCode": teller.language},
    ]
    for value in values:
        value["extension"] = [{"url": ANSWERED, "extension": told}]
    return {"linkId": link, "answer": values}


def _with(resource: Mapping[str, Any], line: Json) -> Json:
    """The form with this line in its group, in the place of what stood there."""
    group_id = line["linkId"].partition("/")[0]
    groups = [dict(one) for one in resource.get("item", ())]
    group = next((one for one in groups if one["linkId"] == group_id), None)
    if group is None:
        group = {"linkId": group_id, "item": []}
        groups.append(group)
    rest = [one for one in group.get("item", ()) if one["linkId"] != line["linkId"]]
    if len(rest) >= _MOST_STEPS:
        raise Rejected(at="link", expected="fewer answers")
    group["item"] = [*rest, line]
    return {**resource, "item": groups}


def _in_mode(resource: Json, teller: Teller, principal: Principal | None) -> Json:
    """How the newest answers were given, and who of the staff administered them."""
    rest = [one for one in resource.get("extension", ()) if one.get("url") != MODE]
    made = {**resource, "extension": [*rest, {"url": MODE, "valueCode": teller.mode}]}
    if principal is not None:
        made["author"] = {"reference": principal.reference, "display": principal.name}
    return made


def _holds_private(session: Session, link: str, line: Json) -> bool:
    step = session.step(link)
    return bool(step and step.private and line.get("answer"))


def _labelled(resource: Json) -> Json:
    """Private answers make the whole form private (AS-09)."""
    meta = dict(resource.get("meta", {}))
    labels = meta.get("security", [])
    if any(one.get("code") == VIOLENCE["code"] for one in labels):
        return resource
    return {**resource, "meta": {**meta, "security": [*labels, VIOLENCE]}}


def _shared_items(session: Session) -> Json:
    """PHQ-9 holds the two questions that PHQ-2 asked: items in the same words are answered once."""
    content, resource = session.content, dict(session.resource)
    begun = [name for name, answers in session.read.instruments.items() if answers]
    lines = {one["linkId"]: one for group in resource.get("item", ()) for one in group.get("item", ())}
    for name in begun:
        for item in content.instruments[name].items:
            link = f"{name}/{item.id}"
            twin = _twin(session, name, item.loinc) if item.loinc and link not in session.answers else None
            if twin is not None and lines.get(twin, {}).get("answer"):
                resource = _with(resource, {**lines[twin], "linkId": link})
    return resource


def _twin(session: Session, name: str, loinc: str) -> str | None:
    for other, answers in session.read.instruments.items():
        if other != name:
            for item in session.content.instruments[other].items:
                if item.loinc == loinc and item.id in answers:
                    return f"{other}/{item.id}"
    return None


def _answers(resource: Mapping[str, Any], read: Read) -> dict[str, Answer]:
    found = {link: one.answer for link, one in read.said.items()}
    for name, answers in read.instruments.items():
        found |= {f"{name}/{item}": answer for item, answer in answers.items()}
    return found


def _marked(resource: Mapping[str, Any], url: str) -> set[str]:
    """Links of lines with this mark."""
    return {
        line["linkId"]
        for group in resource.get("item", ())
        for line in group.get("item", ())
        if any(one.get("url") == url for one in line.get("extension", ()))
    }


def _put(app: App, tx: Transaction, principal: Principal, resource: Mapping[str, Any]) -> None:
    meta = {name: value for name, value in resource.get("meta", {}).items() if name == "security"}
    body = {**{name: value for name, value in resource.items() if name != "meta"}, **({"meta": meta} if meta else {})}
    write = Write(method="update", resource_type="QuestionnaireResponse", id=str(body["id"]), resource=body)
    writing.write(app, tx, principal, [write])
