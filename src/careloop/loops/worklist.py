"""Lists of open loops in their order, straight from the database. Who may see them is the caller's question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from careloop.db import Row, Transaction, load_queries
from careloop.db.exchange import Statement
from careloop.loops.model import LoopState
from careloop.loops.rules.rank import RankDays, RankWeights
from careloop.loops.store import with_state

_SQL = load_queries("careloop.loops", "worklist.sql")

OWN_MOST = 500
"""So far one person's list is read where more than a page of it matters: the plan of a day, the place of a loop."""

COUNTED_TO = 5_000
"""Lists of everybody's work are counted exactly up to here on the spot; beyond, from what was counted last, or not."""

_FILTERS = ("pathway", "tier", "due_before", "language", "programme")
_PLACED = ("step_id", "due", "waiting", "points", "section")
_COUNTED = ("pathway", "tier", "snoozed", "section", "total", "late")
_KEPT = frozenset({"pathway", "tier"})
"""Filters by which totals are kept for large practices."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which list: of these owners (None: everybody's), of one pathway or all, snoozed ones or the others; of patients
    of one risk tier, language or programme; with a step due before an instant."""

    owners: Sequence[str] | None
    pathway: str | None
    snoozed: bool
    days: RankDays
    weights: RankWeights
    limit: int
    zone: str = "UTC"
    tier: str | None = None
    due_before: datetime | None = None
    language: str | None = None
    programme: str | None = None

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the filters that narrow the list."""
        return tuple(name for name in _FILTERS if getattr(self, name) is not None)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Over the whole list whatever the limit. `rows`: pathway, tier, snoozed, section, total, late. `beyond`: it is
    longer than anybody counted; the rows say nothing then."""

    rows: Sequence[Row]
    beyond: bool = False


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A loop in its place: the step to do, its clock, its points; `section` 1 now, 2 today, 3 week, 4 waiting."""

    loop_id: str
    step_id: str | None
    due: datetime
    waiting: bool
    points: int
    section: int


@dataclass(frozen=True, kw_only=True)
class ListedLoop:
    """What a list shows of a loop and of the step beside it."""

    id: str
    number: int
    pathway: str
    patient_id: str
    owner: str
    clock: str
    status: str
    hold_reason: str | None
    says: str
    own_title: str | None
    """Words of a step that only this loop has."""
    segments: Sequence[bool] | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the pane and the board show of a loop, beside the patient."""

    id: str
    number: int
    pathway: str
    patient_id: str
    snoozed_until: datetime | None
    hold_until: datetime | None
    state: LoopState


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The first rows of a list, the totals of the list without its filters, and those of the filtered one."""

    places: Sequence[Placed]
    whole: Totals
    left: Totals


def page(tx: Transaction, asked: Asked) -> list[Placed]:
    """The first rows of the list in their order; the same data and instant give the same order."""
    if asked.owners is not None:
        return _page(tx, asked, "source_mine")
    return _page_of_all(tx, asked, few=_is_searched(asked) and _at_most(tx, asked) <= COUNTED_TO)


def page_and_totals(tx: Transaction, asked: Asked) -> Listed:
    """The page and all totals. What has to be reckoned row by row is reckoned once for all of them."""
    if asked.owners is not None:
        places, sums, passing = _reckoned(tx, asked, "source_mine", passing=asked.filters)
        return Listed(places=places, whole=Totals(rows=sums), left=Totals(rows=passing))
    every = replace(asked, pathway=None, tier=None, due_before=None, language=None, programme=None)
    whole = totals(tx, every)
    if not _is_searched(asked):
        return Listed(
            places=_page_of_all(tx, asked, few=False),
            whole=whole,
            left=totals(tx, asked) if asked.filters else whole,
        )
    if _at_most(tx, asked) > COUNTED_TO:
        return Listed(places=_page_of_all(tx, asked, few=False), whole=whole, left=Totals(rows=(), beyond=True))
    places, sums, _ = _reckoned(tx, asked, "source_few", filters=asked.filters)
    return Listed(places=places, whole=whole, left=Totals(rows=sums))


def _page(tx: Transaction, asked: Asked, source: str) -> list[Placed]:
    return _places(_ask(tx, _some("page_some", source, asked.filters, asked.snoozed), asked))


def _page_of_all(tx: Transaction, asked: Asked, *, few: bool) -> list[Placed]:
    """Of everybody's loops. With `few` left by the filters all are reckoned: their order is a slow way to find them."""
    if few or asked.snoozed or not _same_rules(tx, asked):
        return _page(tx, asked, "source_few")
    return _places(_ask(tx, _all(asked.filters), asked))


def _places(rows: Sequence[Row]) -> list[Placed]:
    return [Placed(loop_id=row["id"], **{name: row[name] for name in _PLACED}) for row in rows]


def _reckoned(
    tx: Transaction, asked: Asked, source: str, *, filters: tuple[str, ...] = (), passing: tuple[str, ...] = ()
) -> tuple[list[Placed], list[Row], list[Row]]:
    """The page, the totals of what passes `filters`, and of what passes `passing` too."""
    rows = _ask(tx, _both(source, filters, passing), asked)
    counted = [row for row in rows if row["place"] is None]
    sums = [{name: row[name] for name in _COUNTED} for row in counted]
    left = [one for one, row in zip(sums, counted, strict=True) if row["passes"]]
    return _places([row for row in rows if row["place"] is not None]), sums, left


def _ask(tx: Transaction, sql: str, asked: Asked) -> list[Row]:
    """Planned for these values each time: how much an owner, a language or an instant leaves decides between the plans,
    and a plan for any value reads everything."""
    return tx.ask_all([Statement(sql, _parameters(asked), plan="force_custom_plan")])[0]


def totals(tx: Transaction, asked: Asked) -> Totals:
    """How many rows the list has of each sort. Lists of everybody's work beyond `COUNTED_TO` are as counted last."""
    if asked.owners is not None:
        return Totals(rows=_ask(tx, _some("totals_some", "source_mine", asked.filters), asked))
    if not _is_searched(asked):
        kept = tx.rows(_SQL["kept_totals"])
        if sum(row["total"] for row in kept) > COUNTED_TO:
            return Totals(rows=[row for row in kept if _is_asked_for(row, asked)])
    elif _at_most(tx, asked) > COUNTED_TO:
        return Totals(rows=(), beyond=True)
    return Totals(rows=_ask(tx, _some("totals_some", "source_few", asked.filters), asked))


def _same_rules(tx: Transaction, asked: Asked) -> bool:
    """True where kept places were reckoned by the rules that are asked for."""
    return tx.value(_SQL["rules_are_same"], _parameters(asked)) is True


def _is_searched(asked: Asked) -> bool:
    """True where a filter may leave so little that the order is a slow way to find it."""
    return not _KEPT.issuperset(asked.filters)


def _is_asked_for(row: Row, asked: Asked) -> bool:
    return asked.pathway in (None, row["pathway"]) and asked.tier in (None, row["tier"])


def _at_most(tx: Transaction, asked: Asked) -> int:
    values = {**_parameters(asked), "counted_to": COUNTED_TO + 1}
    sql = _SQL["at_most"].replace("{filters}", _where(asked.filters))
    return int(tx.ask_all([Statement(sql, values, plan="force_custom_plan")])[0][0]["count"])


@lru_cache(maxsize=128)
def _some(query: str, source: str, filters: tuple[str, ...], snoozed: bool = False) -> str:
    text = _SQL[query].replace("{source}", _SQL[source])
    text = text.replace("{points_if_kept}", _SQL["points_if_kept"]).replace("{points}", _SQL["points"])
    return text.replace("{awake}", _SQL["asleep" if snoozed else "awake"]).replace("{filters}", _where(filters))


@lru_cache(maxsize=128)
def _both(source: str, filters: tuple[str, ...], passing: tuple[str, ...]) -> str:
    text = _some("page_and_totals", source, filters)
    return text.replace("{passing}", _where(passing))


@lru_cache(maxsize=128)
def _all(filters: tuple[str, ...]) -> str:
    text = _SQL["page_all"].replace("{points}", _SQL["points"]).replace("{awake}", _SQL["awake"])
    return text.replace("{filters}", _where(filters))


def _where(filters: Sequence[str]) -> str:
    return " and ".join(_SQL[f"filter_{name}"] for name in filters) or "true"


def closed_since(tx: Transaction, owners: Sequence[str] | None, since: datetime) -> int:
    """How many loops of these owners closed since then."""
    return int(tx.value(_SQL["closed_since"], {"owners": None if owners is None else list(owners), "since": since}))


def by_number(tx: Transaction, number: int) -> str | None:
    """The id of the loop that people call `L-<number>`."""
    found = tx.value(_SQL["by_number"], {"number": number})
    return None if found is None else str(found)


def listed(tx: Transaction, places: Sequence[Placed]) -> dict[str, ListedLoop]:
    """By loop id what lists show of it, with the step of its place."""
    ids, steps = [place.loop_id for place in places], [place.step_id for place in places]
    rows = tx.rows(_SQL["rows"], {"ids": ids, "steps": steps}) if places else []
    return {row["id"]: ListedLoop(**row) for row in rows}


def shown(tx: Transaction, ids: Sequence[str]) -> dict[str, Shown]:
    """By loop id everything that the pane and the board show of it."""
    rows = tx.rows(_SQL["shown"], {"ids": list(ids)}) if ids else []
    return {row["id"]: Shown(**with_state(row)) for row in rows}


def plan_facts(tx: Transaction, ids: Sequence[str]) -> dict[str, Row]:
    """By loop id patient_id and safety of open loops."""
    return {row["id"]: row for row in tx.rows(_SQL["plan_facts"], {"ids": list(ids)})} if ids else {}


def held_by(tx: Transaction, owner: str, most: int) -> int:
    """How many open loops this owner holds; `most` where there are as many or more."""
    return int(tx.value(_SQL["held"], {"owner": owner, "counted_to": most}))


def open_loops_of(tx: Transaction, patients: Sequence[str]) -> dict[str, int]:
    """How many open loops each of these patients has."""
    rows = tx.rows(_SQL["open_loops_of"], {"patients": list(patients)}) if patients else []
    return {row["patient_id"]: int(row["total"]) for row in rows}


def standing_escalations(tx: Transaction, ids: Sequence[str]) -> list[Row]:
    """loop_id, step_id, to_role, at, late of the escalations that still call somebody."""
    return tx.rows(_SQL["standing_escalations"], {"ids": list(ids)})


def holds_any_of(tx: Transaction, owner: str, loop_id: str) -> bool:
    """True where the owner holds the loop or an open step of it, or is called by an escalation; no other loop is on
    their list."""
    return bool(tx.value(_SQL["holds_any_of"], {"owner": owner, "id": loop_id}))


def board_totals(tx: Transaction, now: datetime) -> dict[str, tuple[int, int]]:
    """By column the number of loops and of late ones."""
    return {row["board"]: (int(row["total"]), int(row["late"])) for row in tx.rows(_SQL["board_totals"], {"now": now})}


def board_column(tx: Transaction, board: str, limit: int) -> list[str]:
    """Loop ids of one column, the shortest clock first."""
    return [row["id"] for row in tx.rows(_SQL["board_loops"], {"board": board, "limit": limit})]


def owned_history(tx: Transaction, loop_id: str) -> list[Row]:
    """step_id, owner, owned_from, by, why; oldest first."""
    return tx.rows(_SQL["owned_history"], {"loop_id": loop_id})


def acts_of(tx: Transaction, loop_id: str) -> list[Row]:
    """step_id, kind, at, by, data of everything people did, undos too; oldest first."""
    return tx.rows(_SQL["acts_of"], {"loop_id": loop_id})


def weights_of(weights: RankWeights) -> list[int]:
    """The weights in the order in which `rank_points` and `rank_section` of the database take them."""
    return [
        weights.outside_late,
        weights.outside_today,
        weights.outside_tomorrow,
        weights.own_late,
        weights.own_late_day,
        weights.own_late_most,
        weights.own_today,
        weights.day_open,
        weights.day_open_most,
        weights.now_from,
    ]


def digest_of(weights: RankWeights, zone: str) -> str:
    """Tells places that were reckoned by other weights, or with other midnights."""
    plain = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(weights).items()}
    return blake2b(f"{plain} {zone}".encode(), digest_size=12).hexdigest()


def _parameters(asked: Asked) -> dict[str, Any]:
    return {
        "owners": list(asked.owners or ()),
        "snoozed": asked.snoozed,
        "limit": asked.limit,
        "now": asked.days.now,
        "tomorrow": asked.days.tomorrow,
        "day_after": asked.days.day_after,
        "weights": weights_of(asked.weights),
        "digest": digest_of(asked.weights, asked.zone),
        **{name: getattr(asked, name) for name in _FILTERS},
    }
