"""A practice changes its own rules: draft, rehearse, review by a second person, publish, roll back (ui.md screen 19).

What is published holds for loops that open from then on; running loops keep the version that they opened under. Nobody
publishes what they wrote themselves. Every step is a line of the rule's history, and nothing of it is ever gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.catalog import Catalog, digest_of, document_faults, overlay, own_version, versions
from careloop.catalog.versions import By, Rehearsal, RuleEvent, RuleVersion, Standing
from careloop.db import Transaction
from careloop.errors import Conflict, Fault, NotFound, NotPermitted, Rejected
from careloop.flows import engine, publishing
from careloop.flows.app import App
from careloop.loops import effects
from careloop.loops.describing import in_plain_words
from careloop.loops.editing import Group, apply_form, changes, form_of
from careloop.loops.effects import Effect
from careloop.loops.pathways import parse_pathway
from careloop.loops.site_rules import site_faults

EFFECT_DAYS = 30
PATHWAYS, WORKLIST = "pathways", "worklist"
_LONGEST_NOTE = 500


@dataclass(frozen=True, kw_only=True)
class RuleLine:
    """One rule in the list. `own`: the practice's version that holds; `draft`: the one that is being made."""

    kind: str
    name: str
    title: str
    version: str
    reviewed: str
    owners: Sequence[str]
    own: Standing | None
    draft: Standing | None
    effect: Effect | None
    skipped: int


@dataclass(frozen=True, kw_only=True)
class RulePage:
    """One rule: what holds in plain words, what is being made, its history and its effect by version.

    `shipped_since` is true where what ships changed after the practice's version that holds was made.
    """

    kind: str
    name: str
    title: str
    document: Mapping[str, Any]
    words: Sequence[str]
    versions: Sequence[RuleVersion]
    own: RuleVersion | None
    draft: RuleVersion | None
    form: Sequence[Group]
    changes: Sequence[tuple[str, str, str]]
    rehearsal: Rehearsal | None
    events: Sequence[RuleEvent]
    effects: Sequence[Effect]
    shipped_since: bool


def listed(app: App, tx: Transaction, principal: Principal) -> list[RuleLine]:
    """Every rule that a practice may change, with what holds and what came of it in the last days."""
    require_action(principal, Action.RULES_MANAGE)
    catalog = engine.catalog_for(app, tx)
    standing = versions.standing(tx)
    since = app.clock.now() - timedelta(days=EFFECT_DAYS)
    summed = _summed(effects.by_version(tx, since))
    skipped: dict[str, int] = {}
    for skip in effects.skips(tx, since):
        skipped[skip.pathway] = skipped.get(skip.pathway, 0) + 1
    names = [(WORKLIST, "rank"), *((PATHWAYS, name) for name in sorted(catalog.pathways))]
    _note(tx, principal, "R", "rules-read", "list of rules")
    return [_rule_line(catalog, kind, name, standing, summed, skipped) for kind, name in names]


def _rule_line(
    catalog: Catalog,
    kind: str,
    name: str,
    standing: Sequence[Standing],
    summed: Mapping[str, Effect],
    skipped: Mapping[str, int],
) -> RuleLine:
    document = catalog.document(kind, name)
    mine = [one for one in standing if (one.kind, one.name) == (kind, name)]
    reviewed = document.get("reviewed")
    return RuleLine(
        kind=kind,
        name=name,
        title=document["title"],
        version=str(document["version"]),
        reviewed=str(reviewed["date"]) if reviewed else "",
        owners=list(dict.fromkeys(step["owner"]["role"] for step in document.get("steps", ()))),
        own=next((one for one in mine if one.status == versions.PUBLISHED), None),
        draft=next((one for one in mine if one.status != versions.PUBLISHED), None),
        effect=summed.get(name),
        skipped=skipped.get(name, 0),
    )


def _summed(found: Sequence[Effect]) -> dict[str, Effect]:
    """One effect for each pathway over all its versions."""
    summed: dict[str, Effect] = {}
    for one in found:
        before = summed.get(one.pathway)
        summed[one.pathway] = one if before is None else _plus(before, one)
    return summed


def _plus(one: Effect, other: Effect) -> Effect:
    return Effect(
        pathway=one.pathway,
        version="",
        open=one.open + other.open,
        late=one.late + other.late,
        proven=one.proven + other.proven,
        in_time=one.in_time + other.in_time,
        without=one.without + other.without,
    )


def page(app: App, tx: Transaction, principal: Principal, kind: str, name: str) -> RulePage:
    """Everything about one rule; `NotFound` where there is none of that name."""
    require_action(principal, Action.RULES_MANAGE)
    holds = _holding(app, tx, kind, name)
    known = versions.of_rule(tx, kind, name)
    draft = next((one for one in known if one.status in (versions.DRAFT, versions.IN_REVIEW)), None)
    own = next((one for one in known if one.status == versions.PUBLISHED), None)
    shown = draft.document if draft else holds
    found = effects.by_version(tx, app.clock.now() - timedelta(days=EFFECT_DAYS)) if kind == PATHWAYS else []
    _note(tx, principal, "R", "rules-read", f"{kind}/{name}")
    return RulePage(
        kind=kind,
        name=name,
        title=holds["title"],
        document=shown,
        words=words_of(kind, shown),
        versions=known,
        own=own,
        draft=draft,
        form=form_of(kind, shown),
        changes=changes(kind, holds, draft.document) if draft else [],
        rehearsal=versions.last_rehearsal(tx, draft.id) if draft else None,
        events=versions.events_of(tx, kind, name),
        effects=[one for one in found if one.pathway == name],
        shipped_since=own is not None and own.base_digest != digest_of(app.catalog.document(kind, name)),
    )


def words_of(kind: str, document: Mapping[str, Any]) -> list[str]:
    """The rule as somebody reads it who never saw the file."""
    if kind == PATHWAYS:
        return list(in_plain_words(parse_pathway(document)))
    points = [f"  {entry['points']} points: {entry['says']}." for entry in document["points"].values()]
    return [document["title"], *points, f"  Do now holds the safety tier and what has {document['now_from']} or more."]


def save(
    app: App,
    tx: Transaction,
    principal: Principal,
    kind: str,
    name: str,
    form: Mapping[str, str],
    *,
    note: str,
    edition: int | None,
) -> str:
    """The draft says what the form says: a new draft where none is being made (`edition` None). Its id. `Rejected` with
    every fault, `Conflict` when somebody else saved it in the meantime."""
    require_action(principal, Action.RULES_MANAGE)
    holds = _holding(app, tx, kind, name)
    draft = _draft(tx, kind, name)
    if (draft.edition if draft else None) != edition:
        raise Conflict("somebody else changed this rule in the meantime")
    before = draft.document if draft else holds
    document, faults = apply_form(kind, before, form)
    note = _text("note", note)
    if draft is None and digest_of(document) == digest_of(holds):
        raise Rejected(at="form", expected="a change; this is the rule as it holds", code="value")
    number = draft.number if draft else versions.next_number(tx, kind, name)
    document |= {"version": own_version(_shipped(app, kind, name)["version"], number), "status": "draft"}
    _refuse(faults or _faults(app, tx, kind, name, document))
    return _keep(app, tx, principal, kind, name, document, draft, number, note)


def _keep(
    app: App,
    tx: Transaction,
    principal: Principal,
    kind: str,
    name: str,
    document: Mapping[str, Any],
    draft: RuleVersion | None,
    number: int,
    note: str,
) -> str:
    by, digest = _by(app, principal), digest_of(document)
    if draft is None:
        base = digest_of(_shipped(app, kind, name))
        version_id = versions.add_draft(
            tx, kind, name, number, document, digest=digest, base_digest=base, note=note, by=by
        )
        _happened(tx, principal, kind, name, version_id, "made", by, note)
        return version_id
    versions.change_draft(tx, draft.id, draft.edition, document, digest=digest, note=note, by=by)
    _happened(tx, principal, kind, name, draft.id, "changed", by, note)
    return draft.id


def ask_rehearsal(app: App, tx: Transaction, principal: Principal, version_id: str, days: int) -> None:
    """The worker rehearses the draft; the result is kept with it."""
    require_action(principal, Action.RULES_MANAGE)
    version = versions.get(tx, version_id, lock=True)
    if version.status not in (versions.DRAFT, versions.IN_REVIEW):
        raise Conflict("this version is no draft any more")
    if not 1 <= days <= 366:
        raise Rejected(at="days", expected="a whole number, 1 to 366", code="value")
    by = _by(app, principal)
    if versions.ask_rehearsal(tx, version, days, by):
        _happened(tx, principal, version.kind, version.name, version.id, "rehearsed", by, f"{days} days")


def send(app: App, tx: Transaction, principal: Principal, version_id: str) -> None:
    """The draft waits for a second person and does not change meanwhile. `Rejected` until it was rehearsed as it is."""
    require_action(principal, Action.RULES_MANAGE)
    version = versions.get(tx, version_id, lock=True)
    done = versions.last_rehearsal(tx, version.id)
    if done is None or done.status != "done" or done.edition != version.edition:
        raise Rejected(
            at="rehearsal", expected="a rehearsal of the draft as it is now, before it is sent", code="value"
        )
    by = _by(app, principal)
    versions.set_status(tx, version.id, versions.IN_REVIEW, was=[versions.DRAFT], at=by.at)
    _happened(tx, principal, version.kind, version.name, version.id, "sent", by)


def give_back(app: App, tx: Transaction, principal: Principal, version_id: str, why: str) -> None:
    """The version is a draft again, with the reason."""
    require_action(principal, Action.RULES_MANAGE)
    version, by, why = versions.get(tx, version_id, lock=True), _by(app, principal), _text("why", why)
    versions.set_status(tx, version.id, versions.DRAFT, was=[versions.IN_REVIEW], at=by.at)
    _happened(tx, principal, version.kind, version.name, version.id, "returned", by, why)


def discard(app: App, tx: Transaction, principal: Principal, version_id: str) -> None:
    """The draft is given up; it stays in the history."""
    require_action(principal, Action.RULES_MANAGE)
    version, by = versions.get(tx, version_id, lock=True), _by(app, principal)
    versions.set_status(tx, version.id, versions.DISCARDED, was=[versions.DRAFT, versions.IN_REVIEW], at=by.at)
    _happened(tx, principal, version.kind, version.name, version.id, "discarded", by)


def publish(app: App, tx: Transaction, principal: Principal, version_id: str) -> None:
    """The version holds for every loop that opens from now on. `NotPermitted` for anybody who wrote on it."""
    require_action(principal, Action.RULES_MANAGE)
    version = versions.get(tx, version_id, lock=True)
    if principal.reference in version.authors:
        raise NotPermitted("whoever wrote a rule does not publish it: a second person reads it and does")
    if version.status != versions.IN_REVIEW:
        raise Conflict("this version does not wait for a second person")
    _refuse(_faults(app, tx, version.kind, version.name, version.document))
    _publish(app, tx, principal, version, versions.IN_REVIEW, "published", "")


def roll_back(app: App, tx: Transaction, principal: Principal, version_id: str, why: str) -> None:
    """A version that held before holds again, with the reason. A second person read it then."""
    require_action(principal, Action.RULES_MANAGE)
    version, why = versions.get(tx, version_id, lock=True), _text("why", why)
    if version.status != versions.RETIRED:
        raise Conflict("only a version that held before can hold again")
    _refuse(_faults(app, tx, version.kind, version.name, version.document))
    _publish(app, tx, principal, version, versions.RETIRED, "republished", why)


def back_to_shipped(app: App, tx: Transaction, principal: Principal, kind: str, name: str, why: str) -> None:
    """What ships holds again, with the reason."""
    require_action(principal, Action.RULES_MANAGE)
    by, why = _by(app, principal), _text("why", why)
    if not versions.retire(tx, kind, name, at=by.at):
        raise Conflict("what ships holds already")
    _happened(tx, principal, kind, name, None, "product", by, why)
    _holds_now(app, tx, principal, kind)


def _publish(
    app: App, tx: Transaction, principal: Principal, version: RuleVersion, was: str, what: str, why: str
) -> None:
    by = _by(app, principal)
    versions.publish(tx, version, was=was, by=by)
    _happened(tx, principal, version.kind, version.name, version.id, what, by, why)
    _holds_now(app, tx, principal, version.kind)


def _holds_now(app: App, tx: Transaction, principal: Principal, kind: str) -> None:
    """Every process takes the new rules with its next piece of work; the record says what holds."""
    versions.raise_revision(tx)
    engine.forget_tenant(tx)
    if kind == PATHWAYS:
        publishing.publish_in(app, tx, principal)


def _holding(app: App, tx: Transaction, kind: str, name: str) -> Mapping[str, Any]:
    """The document that holds here now."""
    catalog = engine.catalog_for(app, tx)
    if kind not in overlay.KINDS or name not in catalog.documents(kind) or "@" in name:
        raise NotFound("there is no such rule")
    return catalog.document(kind, name)


def _shipped(app: App, kind: str, name: str) -> Mapping[str, Any]:
    return app.catalog.document(kind, name)


def _draft(tx: Transaction, kind: str, name: str) -> RuleVersion | None:
    """The draft of this rule, which nobody else changes until the transaction ends."""
    found = next((one for one in versions.of_rule(tx, kind, name) if one.status == versions.DRAFT), None)
    return versions.get(tx, found.id, lock=True) if found else None


def _faults(app: App, tx: Transaction, kind: str, name: str, document: Mapping[str, Any]) -> list[Fault]:
    """The checks that every content file passes, then those of what a practice may change."""
    active = {**document, "status": "active"}
    faults = document_faults(app.catalog, kind, name, active)
    if faults:
        return faults
    rank, calendar = app.catalog.document(WORKLIST, "rank"), engine.content_for(app, tx).calendar
    outside, safety = rank["outside_clocks"].get(name, ()), name in rank["safety_pathways"]
    return site_faults(kind, _shipped(app, kind, name), document, outside, calendar, safety=safety)


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)


def _text(at: str, text: str) -> str:
    said = " ".join(text.split())
    if not 3 <= len(said) <= _LONGEST_NOTE:
        raise Rejected(at=at, expected=f"a sentence of 3 to {_LONGEST_NOTE} letters", code="value")
    return said


def _by(app: App, principal: Principal) -> By:
    return By(reference=principal.reference or principal.id, name=principal.name, at=app.clock.now())


def _happened(
    tx: Transaction,
    principal: Principal,
    kind: str,
    name: str,
    version_id: str | None,
    what: str,
    by: By,
    why: str = "",
) -> None:
    versions.note_event(tx, kind, name, version_id, what, by, why)
    _note(tx, principal, "U", f"rule-{what}", f"{kind}/{name}")


def _note(tx: Transaction, principal: Principal, action: str, subtype: str, detail: str) -> None:
    record_audit(tx, AuditEntry(principal=principal, action=action, subtype=subtype, detail=detail))


def pending(found: Sequence[RuleLine]) -> Iterator[RuleLine]:
    """Rules that wait for a second person."""
    return (one for one in found if one.draft is not None and one.draft.status == versions.IN_REVIEW)
