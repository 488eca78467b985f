"""Phone it in: when systems do not talk, a person asks by a script and writes down who said what (features row 74).

Each answer is a statement in one Communication. When the paper comes, each is held against it: confirmed, different, or
not mentioned. What was said stays as it was said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import filing, people, writing
from careloop.flows.app import App

VERDICTS = {"confirmed": "The paper says the same", "differs": "The paper says something else",
            "not-mentioned": "The paper does not say"}  # fmt: skip
_CATEGORY = {"system": "urn:careloop:communication", "code": "phone-statement"}
_ASKED, _VERDICT, _PAPER = "urn:careloop:asked", "urn:careloop:verdict", "urn:careloop:paper"
_MEDIA = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Question:
    """A line of a script."""

    id: str
    ask: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Script:
    """What to say and what to ask; `purpose` is who is called, as `community.Purpose` names them."""

    id: str
    purpose: str
    title: str
    says: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What somebody said on the phone, and what the paper says of it."""

    number: int
    asked: str
    says: str
    verdict: str
    document: str


@dataclass(frozen=True, kw_only=True)
class PhoneCall:
    """One call: who said it, to whom, when."""

    id: str
    version: int
    who: str
    at: str
    statements: tuple[Statement, ...]

    @property
    def is_open(self) -> bool:
        """True while something that was said was not held against a paper."""
        return any(not one.verdict for one in self.statements)


def scripts(app: App) -> dict[str, Script]:
    """The call scripts, in their order."""
    found = app.catalog.document("documents", "phone")["scripts"]
    return {
        one["id"]: Script(
            id=one["id"],
            purpose=one["purpose"],
            title=one["title"],
            says=one["says"],
            questions=tuple(
                Question(id=each["id"], ask=each["ask"], choices=tuple(each.get("choices", ())))
                for each in one["questions"]
            ),
        )
        for one in found
    }


def save(
    app: App, tx: Transaction, principal: Principal, *, request: str, script: str, who: str, answers: Mapping[str, str]
) -> str:
    """What was said is in the record; `Communication/<id>`. `Rejected` without a name or without an answer."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    chosen = scripts(app).get(script)
    if chosen is None:
        raise Rejected(at="script", expected="one of the scripts", code="code-invalid")
    if not who.strip():
        raise Rejected(at="who", expected="the name of the person who said it", code="required")
    said = [(one, answers.get(one.id, "").strip()[:_MOST]) for one in chosen.questions]
    told = [(one, text) for one, text in said if text]
    if not told:
        raise Rejected(at="answers", expected="at least one answer", code="required")
    kind, _, request_id = request.partition("/")
    stored = app.record.read(tx, principal, kind, request_id)
    if stored.patient_id is None:
        raise NotFound("there is no such request")
    resource: dict[str, Any] = {
        "resourceType": "Communication",
        "id": new_id(),
        "basedOn": [{"reference": request}],
        "about": [{"reference": request}],
        "status": "completed",
        "category": [{"coding": [_CATEGORY], "text": chosen.title}],
        "medium": [{"coding": [{"system": _MEDIA, "code": "PHONE"}]}],
        "subject": {"reference": f"Patient/{stored.patient_id}"},
        "sent": filing.stamp(app.clock.now(), people.zone_of(tx)),
        "received": filing.stamp(app.clock.now(), people.zone_of(tx)),
        "sender": {"display": " ".join(who.split())[:200]},
        "payload": [
            {"extension": [{"url": _ASKED, "valueString": one.ask}], "contentString": text} for one, text in told
        ],
    }
    if principal.practitioner_id:
        resource["recipient"] = [{"reference": principal.reference}]
    writing.write(app, tx, principal, [filing.put(resource)])
    return f"Communication/{resource['id']}"


def calls(app: App, tx: Transaction, principal: Principal, request: str) -> list[PhoneCall]:
    """What was said on the phone about a request, newest first."""
    require(principal, "read", "Communication")
    found = app.record.follow(tx, "Communication", [("based-on", request)])
    read = [app.record.read(tx, principal, "Communication", one.id) for one in found if _is_call(one.resource)]
    return sorted((_call(one) for one in read), key=lambda one: one.at, reverse=True)


def unjudged(app: App, tx: Transaction, request: str) -> int:
    """How many statements about a request wait to be held against a paper. A count: nothing of them is shown."""
    found = app.record.follow(tx, "Communication", [("based-on", request)]) if "/" in request else []
    said = [line for one in found if _is_call(one.resource) for line in _call(one).statements]
    return sum(not one.verdict for one in said)


def judge(
    app: App,
    tx: Transaction,
    principal: Principal,
    communication_id: str,
    *,
    document: str,
    verdicts: Mapping[int, str],
    version: int,
) -> None:
    """Statements are held against a document of the same patient; those without a verdict stay open. `Conflict` where
    somebody else did so meanwhile."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "Communication")
    stored = app.record.read(tx, principal, "Communication", communication_id)
    paper = app.record.fetch(tx, [document]).get(document) if document.startswith("DocumentReference/") else None
    if paper is None or paper.deleted or paper.patient_id != stored.patient_id:
        raise Rejected(at="document", expected="a document of the same patient", code="required")
    if stored.version != version:
        raise Conflict("somebody else looked at this call meanwhile")
    if not _is_call(stored.resource) or any(one not in VERDICTS for one in verdicts.values()):
        raise Rejected(at="verdict", expected=f"one of {', '.join(VERDICTS)}", code="code-invalid")
    payload = [
        _judged(one, verdicts.get(number, ""), document) for number, one in enumerate(stored.resource["payload"])
    ]
    writing.write(app, tx, principal, [filing.put({**stored.resource, "payload": payload})])


def documents(app: App, tx: Transaction, patient_id: str) -> list[tuple[str, str]]:
    """The patient's documents that statements can be held against: reference and words."""
    found = [one for one in app.record.of_patient(tx, patient_id, ("DocumentReference",)) if not one.deleted]
    current = [one for one in found if one.resource.get("status") == "current"]
    return [(one.reference, _words(one.resource)) for one in sorted(current, key=_date, reverse=True)]


def _date(stored: Any) -> str:
    return str(stored.resource.get("date", ""))


def _words(document: Mapping[str, Any]) -> str:
    return f"{document.get('description') or 'Document'}, {str(document.get('date', ''))[:10]}"


def _judged(part: Mapping[str, Any], verdict: str, document: str) -> dict[str, Any]:
    if not verdict:
        return dict(part)
    kept = [one for one in part.get("extension", ()) if one.get("url") not in (_VERDICT, _PAPER)]
    told = [{"url": _VERDICT, "valueCode": verdict}, {"url": _PAPER, "valueReference": {"reference": document}}]
    return {**part, "extension": [*kept, *told]}


def _is_call(resource: Mapping[str, Any]) -> bool:
    codings = [coding for one in resource.get("category", ()) for coding in one.get("coding", ())]
    return any(one.get("code") == _CATEGORY["code"] and one.get("system") == _CATEGORY["system"] for one in codings)


def _call(stored: Any) -> PhoneCall:
    resource = stored.resource
    return PhoneCall(
        id=stored.id,
        version=stored.version,
        who=str(resource.get("sender", {}).get("display", "")),
        at=str(resource.get("sent", "")),
        statements=_statements(resource.get("payload", ())),
    )


def _statements(payload: Sequence[Mapping[str, Any]]) -> tuple[Statement, ...]:
    found = []
    for number, one in enumerate(payload):
        marks = {each.get("url"): each for each in one.get("extension", ())}
        found.append(
            Statement(
                number=number,
                asked=str(marks.get(_ASKED, {}).get("valueString", "")),
                says=str(one.get("contentString", "")),
                verdict=str(marks.get(_VERDICT, {}).get("valueCode", "")),
                document=str(marks.get(_PAPER, {}).get("valueReference", {}).get("reference", "")),
            )
        )
    return tuple(found)
