"""Rules and clocks: what the practice works by, changed by one manager, tried first, published by another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, require_action
from careloop.errors import Conflict, Fault, NotPermitted, Rejected
from careloop.flows import rule_changes as flow
from careloop.flows import skipping
from careloop.flows.rule_changes import RulePage
from careloop.loops.editing import UNITS, WHEN, Field
from careloop.loops.rehearsal import KINDS
from careloop.web.staff.context import SignedInStaff, Staff, checked_form

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_HERE = "/rules"
DAYS = 30
STATUSES = {
    "draft": "Draft",
    "in-review": "Waits for a second person",
    "published": "Holds now",
    "retired": "Held before",
    "discarded": "Given up",
}
EVENTS = {
    "made": "Draft made",
    "changed": "Draft changed",
    "rehearsed": "Tried on the last days",
    "sent": "Sent to a second person",
    "returned": "Given back",
    "published": "Published",
    "republished": "Holds again",
    "product": "Back to what ships",
    "discarded": "Draft given up",
}
FIGURES = {
    "opened": "Loops that open",
    "closed": "Closed by proof",
    "ended": "Ended without proof",
    "due": "Deadlines that come",
    "late": "Deadlines missed",
    "escalated": "Somebody else called",
    "open": "Open at the end",
    "patients": "Patients",
}
SECTIONS = {"now": "Do now", "today": "Today", "week": "This week", "waiting": "Waiting on others"}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody typed that could not be saved: the form again, with what is wrong."""

    form: Mapping[str, str]
    faults: Sequence[Fault]


@get("/rules", sync_to_thread=True)
def rules_page(staff: SignedInStaff) -> Response[str]:
    """Every rule with its version and what came of it; what waits for a second person first of all."""
    lines = _done(staff, flow.listed)
    values = {"lines": lines, "waiting": list(flow.pending(lines)), "days": flow.EFFECT_DAYS, "statuses": STATUSES}
    return staff.page("rules.html", _HERE, {**values, "roles": roles_of(staff)})


@get("/rules/skipped", sync_to_thread=True)
def skipped_page(staff: SignedInStaff) -> Response[str]:
    """Which steps people skip, why, and what became of the patients."""
    found = _done(staff, skipping.report)
    return staff.page("skipped.html", _HERE, {"found": found, "reasons": reasons_of(staff), **_adaptations(staff)})


@get("/rules/{kind:str}/{name:str}", sync_to_thread=True)
def rule_page(staff: SignedInStaff, kind: FromPath[str], name: FromPath[str]) -> Response[str]:
    """One rule in plain words, its form, its draft, its history."""
    return _page(staff, _done(staff, flow.page, kind, name))


@get("/rules/{kind:str}/{name:str}/rehearsal", sync_to_thread=True)
def rule_rehearsal(staff: SignedInStaff, kind: FromPath[str], name: FromPath[str]) -> Response[str]:
    """How far the rehearsal is, for a page that keeps itself up to date."""
    return staff.fragment("rule_rehearsal.html", _values(staff, _done(staff, flow.page, kind, name), None))


@post("/rules/{kind:str}/{name:str}", sync_to_thread=True)
def rule_save(staff: SignedInStaff, kind: FromPath[str], name: FromPath[str], data: Form) -> Response[str]:
    """The draft says what the form says."""
    form = checked_form(staff, data)
    edition = int(form["edition"]) if form.get("edition", "").isdigit() else None
    try:
        _done(staff, flow.save, kind, name, form, note=form.get("note", ""), edition=edition)
    except (Rejected, Conflict) as error:
        typed = Typed(form=form, faults=_faults(error))
        return _page(staff, _done(staff, flow.page, kind, name), typed)
    return staff.back(f"/rules/{kind}/{name}", said="The draft is saved. Nothing has changed yet for anybody.")


@post("/rules/{kind:str}/{name:str}/do", sync_to_thread=True)
def rule_do(staff: SignedInStaff, kind: FromPath[str], name: FromPath[str], data: Form) -> Response[str]:
    """What becomes of a version: rehearsed, sent, given back, given up, published, back again."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.RULES_MANAGE)
    act = _ACTS.get(form.get("do", ""))
    if act is None:
        raise Rejected(at="do", expected=f"one of {', '.join(_ACTS)}", code="value")
    try:
        said = act(staff, kind, name, form)
    except (Rejected, Conflict, NotPermitted) as error:
        found = _done(staff, flow.page, kind, name)
        return _page(staff, found, Typed(form={}, faults=_faults(error)))
    return staff.back(f"/rules/{kind}/{name}", said=said)


def _rehearse(staff: Staff, kind: str, name: str, form: Mapping[str, str]) -> str:
    days = form.get("days", str(DAYS))
    _done(staff, flow.ask_rehearsal, form.get("version", ""), int(days) if days.isascii() and days.isdigit() else 0)
    return "It is being tried on the last days. The result will stand here."


def _send(staff: Staff, kind: str, name: str, form: Mapping[str, str]) -> str:
    _done(staff, flow.send, form.get("version", ""))
    return "Sent. Another manager reads and publishes it."


def _return(staff: Staff, kind: str, name: str, form: Mapping[str, str]) -> str:
    _done(staff, flow.give_back, form.get("version", ""), form.get("why", ""))
    return "Given back as a draft."


def _discard(staff: Staff, kind: str, name: str, form: Mapping[str, str]) -> str:
    _done(staff, flow.discard, form.get("version", ""))
    return "The draft is given up. It stays in the history."


def _publish(staff: Staff, kind: str, name: str, form: Mapping[str, str]) -> str:
    _done(staff, flow.publish, form.get("version", ""))
    return "Published. It holds for loops that open from now on."


def _again(staff: Staff, kind: str, name: str, form: Mapping[str, str]) -> str:
    if form.get("version"):
        _done(staff, flow.roll_back, form["version"], form.get("why", ""))
        return "The earlier version holds again for loops that open from now on."
    _done(staff, flow.back_to_shipped, kind, name, form.get("why", ""))
    return "What ships holds again for loops that open from now on."


_ACTS: Mapping[str, Callable[[Staff, str, str, Mapping[str, str]], str]] = {
    "rehearse": _rehearse,
    "send": _send,
    "return": _return,
    "discard": _discard,
    "publish": _publish,
    "again": _again,
}


def _done(staff: Staff, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """The flow, in a transaction of its own."""
    actor = staff.principal.reference or staff.principal.id
    with staff.app.database.transaction(staff.tenant.id, actor=actor) as tx:
        return act(staff.app, tx, staff.principal, *given, **more)


def _faults(error: Rejected | Conflict | NotPermitted) -> Sequence[Fault]:
    if isinstance(error, Rejected):
        return error.faults
    return (Fault(at="", expected=error.message[:1].upper() + error.message[1:], code="conflict"),)


def _page(staff: Staff, found: RulePage, typed: Typed | None = None) -> Response[str]:
    return staff.page("rule.html", _HERE, _values(staff, found, typed), status=422 if typed else 200)


def _values(staff: Staff, found: RulePage, typed: Typed | None) -> dict[str, Any]:
    form = typed.form if typed else {}
    draft, job = found.draft, found.rehearsal
    return {
        "rule": found,
        "typed": form,
        "faults": [(_label(found, fault.at), fault) for fault in (typed.faults if typed else ())],
        "roles": roles_of(staff),
        "units": UNITS,
        "whens": WHEN,
        "statuses": STATUSES,
        "events": EVENTS,
        "figures": FIGURES,
        "kinds": KINDS,
        "sections": SECTIONS,
        "days": DAYS,
        "effect_days": flow.EFFECT_DAYS,
        "fresh": bool(draft and job and job.status == "done" and job.edition == draft.edition),
        "running": bool(job and job.status in ("waiting", "running")),
        "wrote": bool(draft and staff.principal.reference in draft.authors),
        "value": lambda field, part: _value(form, field, part),
        "path": f"/rules/{found.kind}/{found.name}",
    }


def _value(form: Mapping[str, str], field: Field, part: str) -> str:
    """What stands in a field: as typed, else as the rule says. `part` is '' for fields that are one input."""
    name = f"{field.name}.{part}" if part else field.name
    kept = {"text": field.text, "role": field.role, "points": field.amount}.get(field.kind, "")
    return form.get(name, str(getattr(field, part)) if part else kept)


def _label(found: RulePage, at: str) -> str:
    labels = {field.name: f"{group.title}, {field.label.lower()}" for group in found.form for field in group.fields}
    return labels.get(at, at)


def roles_of(staff: Staff) -> Mapping[str, str]:
    """Roles of staff with their words."""
    roles: Mapping[str, str] = staff.app.catalog.document("vocabulary", "careloop")["roles"]["staff"]
    return roles


def _adaptations(staff: Staff) -> Mapping[str, Mapping[str, str]]:
    words = staff.app.catalog.document("vocabulary", "careloop")
    return {"adaptations": words["adaptations"]["codes"]}


def reasons_of(staff: Staff) -> Mapping[str, str]:
    """Reasons for closing without proof, with their words."""
    reasons: Mapping[str, str] = staff.app.catalog.document("vocabulary", "careloop")["reasons"]["codes"]
    return reasons
