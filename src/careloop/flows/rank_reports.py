""" "Say it is wrong": what people think of a place in the order goes to the owner of the rules, and is counted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, NotPermitted
from careloop.fhir.ids import new_id
from careloop.flows import acting, engine
from careloop.flows.app import App
from careloop.flows.loop_detail import detail
from careloop.loops import days
from careloop.loops.days import RankReport
from careloop.loops.store import is_loop_id

SHOWN_FOR = timedelta(days=90)
_MOST = 100


def say_wrong(app: App, tx: Transaction, principal: Principal, *, loop_id: str, says: str, should: str) -> str:
    """What the asker sees of this place and its reasons is kept with their two lines. The order stays what it is."""
    require_action(principal, Action.LOOP_WORK)
    acting.require_text("says", says)
    acting.require_text("should", should)
    found = detail(app, tx, principal, loop_id)
    report = RankReport(
        id=new_id(),
        loop_id=loop_id,
        pathway=found.row.pathway,
        at=app.clock.now(),
        by=principal.reference,
        position=found.position,
        points=found.row.points,
        parts=[{"points": part.points, "text": part.text, "why": part.why} for part in found.rank],
        says=says.strip(),
        should=should.strip(),
    )
    days.add_report(tx, report)
    return report.id


def waiting(app: App, tx: Transaction, principal: Principal) -> list[RankReport]:
    """What was said in the last 90 days, for the owner of the rules: what nobody answered first. Audited."""
    _require_owner(principal)
    found = days.reports(tx, app.clock.now() - SHOWN_FOR, _MOST)
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            resource_ids=[one.loop_id for one in found],
            patient_ids=(),
            query="rank reports",
        ),
    )
    return found


def rule(app: App, tx: Transaction) -> Mapping[str, Any]:
    """The rule of the order as content, with the practice's own weights."""
    return engine.catalog_for(app, tx).document("worklist", "rank")


def counts(app: App, tx: Transaction) -> tuple[int, int]:
    """How often the order was said to be wrong in the last 90 days, and how many of these nobody answered."""
    return days.report_counts(tx, app.clock.now() - SHOWN_FOR)


def answer(app: App, tx: Transaction, principal: Principal, *, report_id: str, text: str) -> None:
    """The owner of the rules said what follows from it."""
    _require_owner(principal)
    acting.require_text("answer", text)
    at = app.clock.now()
    if not is_loop_id(report_id) or not days.answer_report(
        tx, report_id, answer=text.strip(), by=principal.reference, at=at
    ):
        raise NotFound("there is no such report, or somebody answered it")


def is_owner(principal: Principal) -> bool:
    """The rules of the order belong to the managers of the practice."""
    return Role.MANAGER in principal.roles


def _require_owner(principal: Principal) -> None:
    if not is_owner(principal):
        raise NotPermitted("the rules of the order belong to the managers of the practice")
