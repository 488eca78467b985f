"""A week of work beside the licences of those who did it, for whoever supervises: by role and step, never by name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.flows import capacity, engine, people
from careloop.flows.app import App
from careloop.loops import weekly
from careloop.record import Stored
from careloop.teams import licences
from careloop.teams.licences import ABOVE, BELOW, Done, Line, Use

DAYS = 7
MOST = 5_000
"""Steps of a week that are looked at, the last first."""


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
    """The steps of the span by who did them: who wrote the proof where that is one of us, else who owned the step."""
    rows = weekly.done_steps(tx, since, until, MOST)
    proofs = sorted({str(row["proof"]).split("/_history/")[0] for row in rows if row["proof"]})
    stored = app.record.fetch(tx, proofs) if proofs else {}
    did = [_who(stored, row) for row in rows]
    members = accounts.members(tx, sorted({one for one in did if one.startswith("Practitioner/")})) if did else []
    roles = {one.reference: frozenset(role.value for role in one.roles) for one in members}
    counted = Counter(
        (row["pathway"], row["step_id"], row["owner_role"], roles[one])
        for row, one in zip(rows, did, strict=True)
        if one in roles
    )
    return [
        Done(
            pathway=pathway,
            step_id=step,
            asked=asked,
            roles=held,
            steps=steps,
            minutes=capacity.minutes_of(app.catalog, step),
        )
        for (pathway, step, asked, held), steps in counted.items()
    ]


def _who(stored: Mapping[str, Stored], row: Row) -> str:
    """Who wrote the proof, else who owned the step. A visit proves that it was arranged: the physician who saw the
    patient did not do the coordinator's work."""
    found = stored.get(str(row["proof"]).split("/_history/")[0])
    named = author_of(found.resource) if found is not None and found.resource_type != "Encounter" else ""
    return named if named.startswith("Practitioner/") else str(row["owner"])


def author_of(resource: Mapping[str, Any]) -> str:
    """Who a resource says did it, as a reference; empty where it does not say."""
    people_of = [resource.get("sender"), *resource.get("author", ()), *resource.get("performer", ())]
    people_of += [one.get("individual") for one in resource.get("participant", ())]
    for one in people_of:
        person = (one or {}).get("actor", one) if isinstance(one, Mapping) else None
        if isinstance(person, Mapping) and person.get("reference"):
            return str(person["reference"])
    return ""


def _shown(app: App, line: Line) -> Shown:
    pathway = engine.title(app.catalog, line.pathway, "")
    asked, did = line.asked.replace("-", " "), line.done_by.replace("-", " ")
    if line.way == BELOW:
        suggests = f"Route it to a {asked}: about {line.minutes} minutes of a {did} a week come free"
    else:
        suggests = f"Give it to a {asked}, or change the rule if a {did} may do it"
    title = f"{pathway}: {engine.title(app.catalog, line.pathway, line.step_id)}"
    return Shown(line=line, title=title, suggests=suggests, rule=f"/rules/{line.pathway}")
