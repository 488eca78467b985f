"""A week of work beside the licences of those who did it, for whoever supervises: by role and step, never by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.flows import capacity, engine, people
from careloop.flows.app import App
from careloop.loops import weekly
from careloop.teams import licences
from careloop.teams.licences import ABOVE, BELOW, Done, Line, Use

DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A line in words, with what could be done about it, and the rule where that is changed."""

    line: Line
    title: str
    suggests: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class LicenceWeek:
    """The page."""

    first: date
    last: date
    use: Use
    below: Sequence[Shown]
    above: Sequence[Shown]


def page(app: App, tx: Transaction, principal: Principal) -> LicenceWeek:
    """The last seven days, today among them."""
    require_action(principal, Action.TEAM_SUPERVISE)
    app = engine.at_practice(app, tx)
    zone, now = people.zone_of(tx), app.clock.now()
    last = now.astimezone(zone).date()
    first = last - timedelta(days=DAYS - 1)
    use = licences.use_of(_done(app, tx, datetime.combine(first, time(), zone), now), _levels(app))
    query = "work and licences"
    record_audit(tx, AuditEntry(principal=principal, action="E", subtype="search", resource_type="Task", query=query))
    shown = [_shown(app, line) for line in use.lines]
    return LicenceWeek(
        first=first,
        last=last,
        use=use,
        below=[one for one in shown if one.line.way == BELOW],
        above=[one for one in shown if one.line.way == ABOVE],
    )


def _levels(app: App) -> dict[str, int]:
    return dict(app.catalog.document("competencies", "competencies")["levels"])


def _done(app: App, tx: Transaction, since: datetime, until: datetime) -> list[Done]:
    rows = weekly.done_steps(tx, since, until)
    members = accounts.members(tx, sorted({row["owner"] for row in rows})) if rows else []
    roles = {one.reference: frozenset(role.value for role in one.roles) for one in members}
    return [
        Done(
            pathway=row["pathway"],
            step_id=row["step_id"],
            asked=row["owner_role"],
            roles=roles.get(row["owner"], frozenset()),
            steps=row["steps"],
            minutes=capacity.minutes_of(app.catalog, row["step_id"]),
        )
        for row in rows
    ]


def _shown(app: App, line: Line) -> Shown:
    pathway = engine.title(app.catalog, line.pathway, "")
    asked, did = line.asked.replace("-", " "), line.done_by.replace("-", " ")
    if line.way == BELOW:
        suggests = f"Route it to a {asked}: about {line.minutes} minutes of a {did} a week come free"
    else:
        suggests = f"Give it to a {asked}, or change the rule if a {did} may do it"
    title = f"{pathway}: {engine.title(app.catalog, line.pathway, line.step_id)}"
    return Shown(line=line, title=title, suggests=suggests, rule=f"/rules/{line.pathway}")
