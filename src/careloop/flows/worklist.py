"""The worklist: one list, one next step, always with the reason (engine.md §4, ui.md §7.1). Audited as one search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, PrincipalKind, Role
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.errors import Rejected
from careloop.flows import engine, people, routing
from careloop.flows.app import App
from careloop.flows.loop_detail import detail
from careloop.flows.worklist_rows import RowMaker
from careloop.flows.worklist_values import (
    HistoryLine,
    LoopDetail,
    Narrowed,
    OfferShown,
    StepLine,
    WorklistGroup,
    WorklistPage,
    WorklistRow,
)
from careloop.loops import places
from careloop.loops import worklist as lists
from careloop.loops.rules.rank import RankDays, rank_days

__all__ = [
    "HistoryLine",
    "LoopDetail",
    "Narrowed",
    "OfferShown",
    "StepLine",
    "WorklistGroup",
    "WorklistPage",
    "WorklistRow",
    "by_number",
    "detail",
    "first_owners",
    "known_filters",
    "next_loop",
    "owners",
    "page",
    "queued",
]

GROUPS = ((1, "now", "Do now"), (2, "today", "Today"), (3, "week", "This week"), (4, "waiting", "Waiting on others"))
SCOPES = ("mine", "team", "queue", "all")
DUES = ("late", "today", "tomorrow", "week")
RISKS = ("high", "standard")
_EVERYTHING = Narrowed()


@dataclass(frozen=True, kw_only=True)
class _Counts:
    """Sums over the whole list."""

    sections: Mapping[int, int]
    pathways: dict[str, int]
    late: int
    snoozed: int


def page(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    scope: str = "mine",
    pathway: str | None = None,
    snoozed: bool = False,
    narrowed: Narrowed = _EVERYTHING,
    limit: int = 200,
) -> WorklistPage:
    """The list in its order: mine, the team's (everybody's, `all` means the same) or the queue's.

    Snoozed loops are on a page of their own. The same data at the same instant give the same order.
    """
    require_action(principal, Action.WORKLIST_READ)
    app = engine.at_practice(app, tx)
    now, zone = app.clock.now(), people.zone_of(tx)
    asked = _asked(app, principal, tx, scope, pathway, snoozed, now, zone, limit, narrowed)
    is_own = asked.owners == [principal.reference] and not snoozed and not asked.filters
    if is_own:
        asked = replace(asked, limit=max(limit, lists.OWN_MOST))
    listed = lists.page_and_totals(tx, asked)
    placed = listed.places[:limit]
    rows = RowMaker(app, tx, now, zone).rows(placed)
    whole, beyond = _counts(listed.whole.rows, snoozed), listed.left.beyond
    sections = _counts(listed.left.rows, snoozed).sections
    _audit(tx, principal, f"worklist {scope}", rows)
    by_id = {row.loop_id: row for row in rows}
    return WorklistPage(
        groups=tuple(
            WorklistGroup(
                key=key,
                title=title,
                total=None if beyond else sections.get(number, 0),
                rows=tuple(by_id[place.loop_id] for place in placed if place.section == number),
            )
            for number, key, title in GROUPS
        ),
        open_total=sum(whole.pathways.values()),
        late_total=whole.late,
        closed_today=lists.closed_since(tx, asked.owners, _midnight(now, zone)),
        type_counts=whole.pathways,
        snoozed_total=whole.snoozed,
        shown_total=None if beyond else sum(sections.values()),
        next_check=min((place.due for place in placed if place.waiting and place.due > now), default=None),
        own=listed.places if is_own else None,
    )


def next_loop(app: App, tx: Transaction, principal: Principal, *, without: Sequence[str]) -> str | None:
    """The first loop of the asker's own list that is not one of `without`."""
    now, zone = app.clock.now(), people.zone_of(tx)
    asked = _asked(app, principal, tx, "mine", None, False, now, zone, len(without) + 1)
    return next((place.loop_id for place in lists.page(tx, asked) if place.loop_id not in without), None)


def by_number(app: App, tx: Transaction, principal: Principal, number: int) -> WorklistRow | None:
    """The loop that people call `L-<number>`, read and audited like any loop; None when there is none."""
    loop_id = lists.by_number(tx, number)
    return detail(app, tx, principal, loop_id).row if loop_id else None


@dataclass(frozen=True, kw_only=True)
class Takers:
    """Who can take work: reference, name, role of each; `left` are not named here."""

    named: Sequence[tuple[str, str, str]]
    left: int


def owners(app: App, tx: Transaction) -> list[tuple[str, str, str]]:
    """Everybody who can take work: reference, name, role; the queue first."""
    return [_queue_taker(tx), *(_taker(member) for member in accounts.staff(tx) if member.active)]


def first_owners(tx: Transaction, most: int) -> Takers:
    """The first `most` of them: of a large staff the others are asked for by name."""
    members, total = accounts.first_active(tx, most - 1)
    return Takers(named=[_queue_taker(tx), *map(_taker, members)], left=total - len(members))


def _queue_taker(tx: Transaction) -> tuple[str, str, str]:
    return routing.queue_reference(tx.tenant_id), people.QUEUE_NAME, "anybody on duty"


def _taker(member: accounts.StaffMember) -> tuple[str, str, str]:
    return member.reference, member.name, _roles_said(member.roles)


@lru_cache(maxsize=256)
def _roles_said(roles: frozenset[Role]) -> str:
    return ", ".join(sorted(role.value.replace("-", " ") for role in roles))


def known_filters(tx: Transaction) -> dict[str, list[str]]:
    """Languages and programmes that some patient has, for the filter form."""
    return places.traits(tx)


def queued(tx: Transaction, most: int) -> int:
    """How many open loops nobody took yet, counted to `most`."""
    return lists.held_by(tx, routing.queue_reference(tx.tenant_id), most)


def _asked(
    app: App,
    principal: Principal,
    tx: Transaction,
    scope: str,
    pathway: str | None,
    snoozed: bool,
    now: datetime,
    zone: ZoneInfo,
    limit: int,
    narrowed: Narrowed = _EVERYTHING,
) -> lists.Asked:
    if scope not in SCOPES:
        raise Rejected(at="scope", expected="mine, team or queue")
    if narrowed.risk and narrowed.risk not in RISKS:
        raise Rejected(at="risk", expected=f"one of {', '.join(RISKS)}")
    if narrowed.due and narrowed.due not in DUES:
        raise Rejected(at="due", expected=f"one of {', '.join(DUES)}")
    days = rank_days(now, zone)
    return lists.Asked(
        owners=[narrowed.owner] if narrowed.owner else _owners(principal, tx, scope),
        pathway=pathway,
        snoozed=snoozed,
        days=days,
        weights=engine.rank_weights(app.catalog),
        limit=limit,
        zone=zone.key,
        tier=narrowed.risk or None,
        due_before=_due_before(days, narrowed.due),
        language=narrowed.language or None,
        programme=narrowed.programme or None,
    )


def _due_before(days: RankDays, due: str) -> datetime | None:
    week = days.tomorrow + timedelta(days=6)
    return {"late": days.now, "today": days.tomorrow, "tomorrow": days.day_after, "week": week}.get(due)


def _owners(principal: Principal, tx: Transaction, scope: str) -> list[str] | None:
    """Whose loops a scope means; a program has no list of its own and sees everybody's."""
    if scope == "queue":
        return [routing.queue_reference(tx.tenant_id)]
    if scope == "mine" and principal.kind == PrincipalKind.USER:
        return [principal.reference]
    return None


def _counts(rows: Sequence[Row], snoozed: bool) -> _Counts:
    """Chips count the whole list; sections those of its rows that are snoozed, or those that are not."""
    sections: dict[int, int] = {}
    pathways: dict[str, int] = {}
    for row in rows:
        pathways[row["pathway"]] = pathways.get(row["pathway"], 0) + row["total"]
        if row["snoozed"] == snoozed:
            sections[row["section"]] = sections.get(row["section"], 0) + row["total"]
    return _Counts(
        sections=sections,
        pathways=dict(sorted(pathways.items())),
        late=sum(row["late"] for row in rows if row["section"] != 4),
        snoozed=sum(row["total"] for row in rows if row["snoozed"]),
    )


def _audit(tx: Transaction, principal: Principal, query: str, rows: Sequence[WorklistRow]) -> None:
    patients = sorted({row.patient_id for row in rows})
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            resource_ids=[row.loop_id for row in rows],
            patient_ids=patients,
            query=query,
        ),
    )


def _midnight(now: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(now.astimezone(zone).date(), time(0), tzinfo=zone)
