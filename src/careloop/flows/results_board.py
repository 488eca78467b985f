"""The results board: what nobody has read, whom nobody has told, what has not been done (ui.md §7.6, results.md).

A list is the loops of one column of the pathway's board, critical values first, then the shortest clock. What a row
shows is read for the whole list at once; only the value before is asked for each test. Reading is audited.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.fhir.ids import derived_id
from careloop.flows import engine, people
from careloop.flows.app import App
from careloop.flows.patient_reading import full_name
from careloop.flows.results_values import (
    LISTS,
    STEP_OF,
    ListShown,
    ResultRow,
    Suggested,
    ValueShown,
    name_of_test,
    value_of,
)
from careloop.flows.worklist_rows import segments_of
from careloop.loops import worklist as lists
from careloop.loops.model import ClockState, LoopState, StepState
from careloop.loops.rules.result_around import instant
from careloop.loops.rules.result_tables import ResultTables, tables_of
from careloop.loops.rules.result_values import codes_in
from careloop.loops.rules.result_windows import matches

PATHWAY = "test-result"
ROWS = 25
"""Tests on one page of a list."""

_LOOKED_AT = 200
_CORRECTED = frozenset({"corrected", "amended"})
_KINDS = ("DiagnosticReport", "Observation")
Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ResultsPage:
    """One list with the totals of all of them. `reviewed`: a clinician of the site has signed the critical values."""

    lists: tuple[ListShown, ...]
    key: str
    rows: tuple[ResultRow, ...]
    reviewed: bool

    @property
    def more(self) -> int:
        """How many tests of this list are not on this page."""
        total = next(one.total for one in self.lists if one.key == self.key)
        return max(0, total - len(self.rows))


@dataclass(frozen=True, kw_only=True)
class _Test:
    """A loop with its resources: the order where there is one, and its results with what they hold."""

    loop: lists.Shown
    order: Resource
    results: tuple[Resource, ...]
    held: Mapping[str, Resource]


def results_page(app: App, tx: Transaction, principal: Principal, key: str) -> ResultsPage:
    """The first rows of one list; an unknown key is the first list."""
    _require_reading(principal)
    now = app.clock.now()
    totals = lists.board_totals(tx, now)
    chosen = key if key in STEP_OF else "unseen"
    column = next(column for name, column, _ in LISTS if name == chosen)
    loops = lists.shown(tx, lists.board_column(tx, column, _LOOKED_AT))
    tests = _tests(app, tx, list(loops.values()))
    rows = _rows(app, tx, principal, tests, chosen)[:ROWS]
    _audit(tx, principal, [row.patient_id for row in rows], chosen)
    return ResultsPage(
        lists=tuple(_list(name, title, totals.get(board, (0, 0))) for name, board, title in LISTS),
        key=chosen,
        rows=tuple(_with_before(app, tx, principal, row, tests, now) for row in rows),
        reviewed=engine.catalog_for(app, tx).document("results", "critical-values")["reviewed"] is not None,
    )


def _list(key: str, title: str, totals: tuple[int, int]) -> ListShown:
    return ListShown(key=key, title=title, total=totals[0], late=totals[1])


def result_row(app: App, tx: Transaction, principal: Principal, loop_id: str) -> tuple[ResultRow, LoopState]:
    """One test with everything that its row shows; `NotFound` for anything that is no test."""
    _require_reading(principal)
    found = lists.shown(tx, [loop_id]).get(loop_id) if _is_id(loop_id) else None
    if found is None or found.pathway != PATHWAY:
        raise NotFound("there is no such test")
    tests = _tests(app, tx, [found])
    row = _rows(app, tx, principal, tests, "")[0]
    _audit(tx, principal, [row.patient_id], "one test")
    return _with_before(app, tx, principal, row, tests, app.clock.now()), found.state


def suggestions(app: App, tx: Transaction, principal: Principal, row: ResultRow) -> list[Suggested]:
    """RE-08: orders of this patient that a result without an order may belong to; a person decides."""
    found = app.record.fetch(tx, row.results[:1]) if row.results and not row.has_order else {}
    for stored in found.values():
        codes = sorted(codes_in(stored.resource.get("code", {})))
        asked = [("patient", row.patient_id), ("code", ",".join(codes)), ("_sort", "-authored"), ("_count", "20")]
        page = app.record.search(tx, principal, "ServiceRequest", asked, app.clock.now()) if codes else None
        orders = {f"ServiceRequest/{one.id}": one.resource for one in page.entries} if page else {}
        times = [(order, instant(order.get("authoredOn"))) for order in orders.values()]
        table = tables_of(engine.catalog_for(app, tx).documents("results")).windows
        return [
            Suggested(
                order=one.order,
                test=name_of_test(orders[one.order]),
                ordered=instant(orders[one.order].get("authoredOn")) or stored.last_updated,
                sure=one.sure,
                hours_apart=one.hours_apart,
            )
            for one in matches(stored.resource, _taken(stored.resource), times, table)
        ]
    return []


def rows_of(app: App, tx: Transaction, principal: Principal, loop_ids: Sequence[str]) -> list[ResultRow]:
    """The rows of some tests, in the order asked; those that are no tests are left out."""
    _require_reading(principal)
    found = lists.shown(tx, [one for one in loop_ids if _is_id(one)])
    tests = _tests(app, tx, [found[one] for one in loop_ids if one in found and found[one].pathway == PATHWAY])
    rows = {row.loop_id: row for row in _rows(app, tx, principal, tests, "untold")}
    _audit(tx, principal, [row.patient_id for row in rows.values()], "some tests")
    return [rows[one] for one in loop_ids if one in rows]


def _is_id(text: str) -> bool:
    return len(text) == 36 and all(letter in "0123456789abcdef-" for letter in text)


def _require_reading(principal: Principal) -> None:
    require_action(principal, Action.WORKLIST_READ)
    for kind in (*_KINDS, "ServiceRequest"):
        require(principal, "search", kind)


def _audit(tx: Transaction, principal: Principal, patients: Sequence[str], what: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="DiagnosticReport",
        patient_ids=sorted(set(patients)),
        query=f"results board: {what}",
    )
    record_audit(tx, entry)


def _tests(app: App, tx: Transaction, loops: Sequence[lists.Shown]) -> list[_Test]:
    """The loops with their resources, all read at once."""
    focuses = [loop.state.focus for loop in loops]
    found = {name: stored.resource for name, stored in app.record.fetch(tx, focuses).items()}
    orders = [focus for focus in focuses if focus.startswith("ServiceRequest/")]
    by_order: dict[str, list[Resource]] = {}
    for kind in _KINDS if orders else ():
        for stored in app.record.follow(tx, kind, [("based-on", order) for order in orders]):
            for named in _references(stored.resource.get("basedOn", ())):
                by_order.setdefault(named, []).append(stored.resource)
    results = {focus: by_order.get(focus) or ([found[focus]] if focus in found else []) for focus in focuses}
    parts = {part for some in results.values() for one in some for part in _references(one.get("result", ()))}
    parts |= {_nodule_of(tx, one) for some in results.values() for one in some}
    held = {name: stored.resource for name, stored in app.record.fetch(tx, sorted(parts)).items()}
    return [
        _Test(
            loop=loop,
            order=found.get(loop.state.focus, {}) if loop.state.focus in orders else {},
            results=tuple(
                one
                for one in results[loop.state.focus]
                if one.get("resourceType") in _KINDS and f"Observation/{one.get('id')}" not in held
            ),
            held=held,
        )
        for loop in loops
    ]


def _nodule_of(tx: Transaction, result: Resource) -> str:
    """Where flows.nodules keeps what was written down of a lung nodule on this result."""
    about = f"{result['resourceType']}/{result['id']}"
    return f"Observation/{derived_id(tx.tenant_id, 'lung-nodule', about)}"


def _references(values: Sequence[Any]) -> list[str]:
    return [str(one.get("reference", "")).split("/_history/")[0] for one in values if isinstance(one, Mapping)]


def _rows(app: App, tx: Transaction, principal: Principal, tests: Sequence[_Test], key: str) -> list[ResultRow]:
    now, zone = app.clock.now(), people.zone_of(tx)
    shown = people.patients_shown(app, tx, [test.loop.patient_id for test in tests], now, zone)
    patients = app.record.fetch(tx, sorted({f"Patient/{test.loop.patient_id}" for test in tests}))
    maker = _Maker(app, tx, tests, shown, {name: stored.resource for name, stored in patients.items()}, now)
    rows = [maker.row(test, key) for test in tests]
    return sorted(rows, key=lambda row: (not row.page, row.due, row.loop_id))


class _Maker:
    """What many rows share: names, words of results, tables."""

    def __init__(
        self,
        app: App,
        tx: Transaction,
        tests: Sequence[_Test],
        shown: Mapping[str, people.PatientShown],
        patients: Mapping[str, Resource],
        now: datetime,
    ) -> None:
        content = engine.content_for(app, tx)
        self._keys = content.keys
        self._tables: ResultTables = tables_of(engine.catalog_for(app, tx).documents("results"))
        self._shown, self._patients, self._now = shown, patients, now
        self._names = people.Names(tx)
        asked = sorted({who for test in tests for who in _references([test.order.get("requester", {})]) if who})
        found = app.record.fetch(tx, asked)
        self._people = {name: full_name(stored.resource) for name, stored in found.items() if "name" in stored.resource}

    def row(self, test: _Test, key: str) -> ResultRow:
        """The test as a row of the list `key`; without one, by the first step that is open."""
        state, patient = test.loop.state, self._shown[test.loop.patient_id]
        step = _step(state, key)
        words = self._words(test)
        newest = max(test.results, key=lambda one: str(one.get("issued", "")), default={})
        late = step.status.is_open and step.due < self._now and step.clock is not ClockState.WAITING
        return ResultRow(
            loop_id=test.loop.id,
            patient_id=test.loop.patient_id,
            patient_name=patient.name,
            age=patient.age,
            sex=patient.sex,
            language=patient.language,
            test=name_of_test(test.order or newest),
            status=str(newest.get("status", test.order.get("status", ""))),
            values=tuple(value_of(one) for one in _observations(test)),
            conclusion=str(newest.get("conclusion", "")),
            group=words.get("group", ""),
            finding=words.get("finding", "unknown"),
            flag=words.get("flag", ""),
            page=words.get("page") == "yes" and _open(state, "reviewed") and _reviewed(state).rule_met is None,
            follow_up=self._follow_up(words),
            asked_by=self._asked_by(test),
            due=step.due,
            because=step.due_because,
            target=step.target,
            clock=ClockState.OVERDUE if late else step.clock,
            acknowledged=_reviewed(state).rule_met,
            results=tuple(f"{one['resourceType']}/{one['id']}" for one in test.results),
            segments=segments_of(state),
            has_order=bool(test.order),
        )

    def _words(self, test: _Test) -> Mapping[str, str]:
        """The words of the newest whole result, else of the newest; those of the order where nothing came."""
        others = {**test.held, **{f"{one['resourceType']}/{one['id']}": one for one in test.results}}
        if test.order:
            others[f"ServiceRequest/{test.order['id']}"] = test.order
        patient = self._patients.get(f"Patient/{test.loop.patient_id}", {})
        in_order = sorted(test.results, key=lambda one: str(one.get("issued", "")))
        found = [self._keys(one, patient, others) for one in in_order]
        whole = [one for one in found if one.get("whole") == "yes"]
        return (whole or found or [{}])[-1]

    def _follow_up(self, words: Mapping[str, str]) -> str:
        if nodule := words.get("nodule"):
            return f"Lung nodule, {nodule} (Fleischner 2017)"
        row = next((row for row in self._tables.follow_ups.rows if row.id == words.get("follow-up-row")), None)
        return in_words(f"{row.trigger}: {row.says}") if row is not None else ""

    def _asked_by(self, test: _Test) -> str:
        who = test.order.get("requester") or {}
        named = str(who.get("display", "")) or self._people.get(_references([who])[0], "") if who else ""
        return named or ("not known" if test.order else "no order here")


def in_words(rule: str) -> str:
    """A rule of the table as people say it: the table writes comparisons with signs."""
    for sign, word in ((">=", "at least"), ("<=", "at most"), (">", "over"), ("<", "under")):
        rule = rule.replace(f"{sign} ", f"{word} ")
    return rule


def _step(state: LoopState, key: str) -> StepState:
    wanted = STEP_OF.get(key)
    steps = [step for step in state.steps if step.step_id == wanted] if wanted else []
    return (steps or [step for step in state.steps if step.status.is_open] or list(state.steps))[0]


def _reviewed(state: LoopState) -> StepState:
    return next(step for step in state.steps if step.step_id == "reviewed")


def _open(state: LoopState, step_id: str) -> bool:
    return any(step.step_id == step_id and step.status.is_open for step in state.steps)


def _observations(test: _Test) -> Iterator[Resource]:
    """The values of a test: what its reports hold, inside or outside, and results that are values themselves."""
    for one in test.results:
        if one["resourceType"] == "Observation":
            yield one
        for reference in _references(one.get("result", ())):
            if reference.startswith("#"):
                yield from (part for part in one.get("contained", ()) if f"#{part.get('id')}" == reference)
            elif reference in test.held:
                yield test.held[reference]


def _with_before(
    app: App, tx: Transaction, principal: Principal, row: ResultRow, tests: Sequence[_Test], now: datetime
) -> ResultRow:
    """The row with the value before of each test in it, and what stood there before a correction."""
    test = next(one for one in tests if one.loop.id == row.loop_id)
    zone = people.zone_of(tx)
    values = tuple(
        _before(app, tx, principal, observation, row.patient_id, now, zone) for observation in _observations(test)
    )
    return ResultRow(**{**vars(row), "values": values})


def _before(
    app: App,
    tx: Transaction,
    principal: Principal,
    observation: Resource,
    patient_id: str,
    now: datetime,
    zone: ZoneInfo,
) -> ValueShown:
    was = _was(app, tx, principal, observation)
    taken = _taken(observation)
    codes = [f"{one.get('system', '')}|{one['code']}" for one in observation["code"].get("coding", ()) if "code" in one]
    if taken is None or not codes or "id" not in observation:
        return value_of(observation, was=was)
    asked = [("patient", patient_id), ("code", ",".join(codes)), ("date", f"lt{taken.isoformat()}"), ("_sort", "-date")]
    page = app.record.search(tx, principal, "Observation", [*asked, ("_count", "2")], now)
    earlier = next((one for one in page.entries if one.id != observation["id"] and _taken(one.resource)), None)
    if earlier is None:
        return value_of(observation, was=was)
    at = _taken(earlier.resource)
    assert at is not None
    shown = value_of(earlier.resource)
    return value_of(observation, before=f"{shown.text} on {_day(at.astimezone(zone).date(), now, zone)}", was=was)


def _day(day: date, now: datetime, zone: ZoneInfo) -> str:
    year = "" if day.year == now.astimezone(zone).year else f" {day.year}"
    return f"{day.day} {day:%b}{year}"


def _taken(observation: Resource) -> datetime | None:
    period = observation.get("effectivePeriod") or {}
    return instant(observation.get("effectiveDateTime") or period.get("start") or observation.get("issued"))


def _was(app: App, tx: Transaction, principal: Principal, observation: Resource) -> str:
    """RE-04: what the version before a correction said, where it said something else."""
    if observation.get("status") not in _CORRECTED or "id" not in observation:
        return ""
    versions = app.record.history(tx, principal, "Observation", str(observation["id"]), count=5).entries
    now = value_of(observation).text
    said = [value_of(one.stored.resource).text for one in versions if not one.stored.deleted]
    return next((text for text in said if text != now), "")
