"""What pages about readings from home show: who is red, yellow or silent, one patient's vitals, the load of alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Row, Transaction
from careloop.flows import home_acts, home_enrolling, home_plans, monitoring, people
from careloop.flows.app import App
from careloop.loops.store import StoredLoop
from careloop.monitoring import store
from careloop.monitoring.content import Metric, Monitoring, Programme
from careloop.monitoring.content import Row as Limit
from careloop.monitoring.model import Plan, Tier
from careloop.monitoring.rules.breaches import Frame, is_after_discharge, numbers_of
from careloop.monitoring.rules.enrolment import AlertRow, Load, load_of
from careloop.monitoring.rules.saying import plain, rule_words

MOST = 200
TREND, SHOWN = timedelta(days=14), timedelta(days=30)
_SILENT = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Value:
    """One reading as pages show it: in the unit of the page, and as it was given."""

    id: str
    at: datetime
    value: Decimal
    words: str
    given: str
    state: str
    marked: bool
    typed: bool
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """One patient on the board, with the reason in words."""

    patient_id: str
    name: str
    state: str
    """red, yellow, grey, waits (a repeat is awaited), paused, quiet."""
    says: str
    since: datetime | None
    alert_id: str
    open_alerts: int
    late: bool
    programmes: tuple[str, ...]
    last: datetime | None
    metric: str
    trend: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Board:
    """Everybody who is watched, the worst first. `not_reviewed`: limits that no clinician of the site has signed."""

    rows: tuple[BoardRow, ...]
    counts: Mapping[str, int]
    not_reviewed: int


@dataclass(frozen=True, kw_only=True)
class AlertShown:
    """An alert with what to do about it."""

    id: str
    name: str
    tier: str
    says: str
    state: str
    since: datetime
    ended: datetime | None
    late: bool
    readings: int
    action: str
    first_steps: tuple[str, ...]
    loop: StoredLoop | None
    rules: tuple[str, ...]
    reviewed: str

    @property
    def due(self) -> datetime | None:
        """When the next step must be done."""
        if self.loop is None:
            return None
        return min((step.due for step in self.loop.state.steps if step.status.is_open), default=None)


@dataclass(frozen=True, kw_only=True)
class LimitShown:
    """A row with the number that holds for the patient. `own`: signed for them; `off`: turned off."""

    row: Limit
    metric: str
    unit: str
    number: Decimal | None
    words: str
    own: bool
    off: bool
    tight: bool


@dataclass(frozen=True, kw_only=True)
class MetricShown:
    """One metric: its readings, newest last, with the limits that are drawn."""

    metric: Metric
    values: tuple[Value, ...]
    lines: tuple[tuple[Decimal, str], ...]


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """The vitals page of a patient. `plan` is None for who never took part."""

    patient_id: str
    plan: Plan | None
    status: str
    programmes: tuple[Programme, ...]
    alerts: tuple[AlertShown, ...]
    metrics: tuple[MetricShown, ...]
    limits: tuple[LimitShown, ...]
    signed: tuple[tuple[str, datetime], ...]
    after_discharge: bool
    missing_usual: tuple[str, ...]
    rhythms: tuple[home_plans.RhythmChange, ...] = ()
    why: str = ""


def board(app: App, tx: Transaction, principal: Principal) -> Board:
    """Everybody who is watched, the worst first; audited as one search."""
    require_action(principal, Action.WORKLIST_READ)
    require(principal, "search", "Observation")
    content, now = monitoring.content_of(app, tx), app.clock.now()
    rows = store.rows_of(tx, "board", now=now, limit=MOST)
    ids = [row["patient_id"] for row in rows]
    shown = people.patients_shown(app, tx, ids, now, people.zone_of(tx))
    values = _values(tx, content, ids, now - TREND)
    found = tuple(_board_row(content, row, shown[row["patient_id"]].name, values, now) for row in rows)
    _audit(tx, principal, ids, "home readings")
    counts = {
        state: sum(1 for one in found if one.state == state) for state in ("red", "yellow", "grey", "waits", "quiet")
    }
    counts["silent"] = sum(1 for one in found if one.last is None or now - one.last > _SILENT)
    return Board(rows=found, counts=counts, not_reviewed=sum(1 for row in content.all_rows if not row.reviewed))


def _board_row(
    content: Monitoring, row: Row, name: str, values: Mapping[str, Sequence[tuple[str, Value]]], now: datetime
) -> BoardRow:
    plan = home_plans.from_json(row["plan"])
    metric = _leading(content, plan, row)
    mine = [one for kind, one in values.get(row["patient_id"], ()) if kind == metric and one.state == "valid"]
    state, says = _state(row, now)
    return BoardRow(
        patient_id=row["patient_id"],
        name=name,
        state=state,
        says=says,
        since=row["alert_since"],
        alert_id=row["alert_id"] or "",
        open_alerts=row["open_alerts"],
        late=bool(row["late"]),
        programmes=tuple(content.programmes[one].name for one in sorted(plan.conditions) if one in content.programmes),
        last=row["last_measured"],
        metric=content.metrics[metric].name,
        trend=tuple(mine),
    )


def _state(row: Row, now: datetime) -> tuple[str, str]:
    if row["tier"] is not None:
        return row["tier"], row["says"]
    if row["waits_until"] is not None:
        return "waits", "Out of limits once. A repeat is awaited; without one it is red."
    if row["status"] == "onhold":
        return "paused", "Paused: no reading is expected"
    if row["last_measured"] is None:
        return "quiet", "No reading yet"
    return "quiet", ""


def _leading(content: Monitoring, plan: Plan, row: Row) -> str:
    """The metric whose trend is shown: that of the worst alert, else the first of the programmes."""
    for limit in content.all_rows:
        if limit.alert == row["alert"] and limit.metric in content.metrics:
            return limit.metric
    for one in sorted(plan.conditions):
        if one in content.programmes and content.programmes[one].metrics:
            return content.programmes[one].metrics[0]
    return next(iter(content.metrics))


def vitals(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Vitals:
    """One patient's readings, alerts and limits; audited as a read of the patient."""
    require_action(principal, Action.WORKLIST_READ)
    require(principal, "search", "Observation")
    app.record.read(tx, principal, "Patient", patient_id)
    content, now = monitoring.content_of(app, tx), app.clock.now()
    row = home_enrolling.standing(tx, patient_id)
    plan = None if row is None else home_plans.from_json(row["plan"])
    values = _values(tx, content, [patient_id], now - SHOWN).get(patient_id, ())
    names = people.Names(tx)
    episode = {} if row is None else app.record.read(tx, principal, "EpisodeOfCare", row["episode"]).resource
    limits = () if plan is None else tuple(limits_of(content, plan, now))
    return Vitals(
        patient_id=patient_id,
        plan=plan,
        status="" if row is None else row["status"],
        programmes=tuple(content.programmes.values()),
        alerts=tuple(_alerts(tx, content, patient_id)),
        metrics=tuple(_metrics(content, plan, values, limits)),
        limits=limits,
        signed=() if plan is None else tuple((names.name(one.by), one.at) for one in reversed(plan.limits)),
        after_discharge=plan is not None and is_after_discharge(content, plan, now),
        missing_usual=() if plan is None else tuple(missing_usual(content, plan)),
        rhythms=tuple(reversed(home_plans.rhythm_changes(episode))),
        why=home_plans.last_why(episode),
    )


def limits_of(content: Monitoring, plan: Plan, now: datetime) -> list[LimitShown]:
    """Every row that holds for the patient now, in the order of the content."""
    found = []
    for row in content.all_rows:
        if not row.adjust or (row.condition != "any" and row.condition not in plan.conditions):
            continue
        metric = content.metrics.get(row.metric)
        some = metric or next(iter(content.metrics.values()))
        frame = Frame(content=content, plan=plan, metric=some, now=now)
        signed = next((one.values[row.id] for one in reversed(plan.limits) if row.id in one.values), row.number)
        own = any(row.id in one.values for one in plan.limits)
        numbers = numbers_of(frame, row, row.tests[0], now, first=True)
        number = numbers.get(row.adjust, signed) if signed is not None else None
        if (
            row.adjust in row.after_discharge
            and number is not None
            and is_after_discharge(content, plan, now)
            and not own
        ):
            number = min(number, row.after_discharge[row.adjust])
        found.append(
            LimitShown(
                row=row,
                metric=metric.name if metric else content.names.get(row.alert, row.alert),
                unit=_unit(row, metric),
                number=number,
                words=rule_words(row, number),
                own=own,
                off=own and signed is None,
                tight=number is not None and signed is not None and number != signed,
            )
        )
    return found


def _unit(row: Limit, metric: Metric | None) -> str:
    fixed = {"pounds": "lb", "percent": "%", "days": "days", "times": "in a row"}
    if row.tests[0].kind == "share-of-best":
        return "% of best"
    return fixed.get(row.adjust) or (metric.shown if metric else "")


def missing_usual(content: Monitoring, plan: Plan) -> list[str]:
    """Tests that cannot be made because the patient's own number is not known: unknown is never safe."""
    kinds = {"below-usual", "share-of-best"}
    return [
        f"{content.metrics[row.metric].name}: the patient's own number is not known, so this limit cannot call anybody"
        for row in content.all_rows
        if row.tests[0].kind in kinds and row.condition in plan.conditions and row.metric not in plan.usual
    ]


def alert_shown(app: App, tx: Transaction, principal: Principal, alert_id: str) -> tuple[str, AlertShown] | None:
    """One alert and its patient; None for an unknown id. Audited as a read of the patient."""
    require_action(principal, Action.WORKLIST_READ)
    rows = store.rows_of(tx, "alert", id=alert_id)
    if not rows:
        return None
    app.record.read(tx, principal, "Patient", rows[0]["patient_id"])
    return rows[0]["patient_id"], _alert(tx, monitoring.content_of(app, tx), rows[0])


def _alerts(tx: Transaction, content: Monitoring, patient_id: str) -> list[AlertShown]:
    rows = store.rows_of(tx, "alerts", patients=[patient_id])
    shown = [_alert(tx, content, row) for row in rows if row["state"] != "withdrawn"]
    ranks = {tier.value: -tier.rank for tier in Tier}
    return sorted(
        shown,
        key=lambda one: (one.state != "open", ranks[one.tier] if one.state == "open" else 0, -one.since.timestamp()),
    )


def _alert(tx: Transaction, content: Monitoring, row: Row) -> AlertShown:
    action = content.actions.get(row["action"])
    rules = [found for one in row["row_ids"] if (found := content.row(one)) is not None]
    return AlertShown(
        id=row["id"],
        name=content.names.get(row["alert"], row["alert"]),
        tier=row["tier"],
        says=row["says"],
        state=row["state"],
        since=row["since"],
        ended=row["ended"],
        late=row["late"],
        readings=len(row["readings"]),
        action=action.says if action else "",
        first_steps=content.first_steps.get(row["alert"], ()),
        loop=home_acts.loop_of(tx, row["id"]) if row["state"] == "open" else None,
        rules=tuple(dict.fromkeys(one.rule for one in rules)),
        reviewed=max(str(one.reviewed) for one in rules) if rules and all(one.reviewed for one in rules) else "",
    )


def load(app: App, tx: Transaction, principal: Principal, days: int = 30) -> Load:
    """The load of alerts of the last days (MO-15)."""
    require_action(principal, Action.WORKLIST_READ)
    start, end = app.clock.now() - timedelta(days=days), app.clock.now()
    rows = store.rows_of(tx, "counted", start=start, end=end)
    alerts = [
        AlertRow(
            alert=row["alert"], tier=Tier(row["tier"]), opened=row["opened"], acted=row["acted"], action=row["action"]
        )
        for row in rows
    ]
    enrolled = store.rows_of(tx, "enrolled_days", start=start, end=end)[0]["days"]
    return load_of(monitoring.content_of(app, tx), alerts, round(enrolled))


def _metrics(
    content: Monitoring, plan: Plan | None, values: Sequence[tuple[str, Value]], limits: Sequence[LimitShown]
) -> list[MetricShown]:
    conditions = sorted(plan.conditions & content.programmes.keys()) if plan is not None else []
    expected = [metric for one in conditions for metric in content.programmes[one].metrics]
    here = [kind for kind, _ in values]
    order = [one for one in content.metrics if (one in expected or one in here) and not one.startswith("told-")]
    return [
        MetricShown(
            metric=content.metrics[one],
            values=tuple(value for kind, value in values if kind == one),
            lines=tuple(
                (limit.number, limit.words)
                for limit in limits
                if limit.row.metric == one and limit.number is not None and not limit.off
                if limit.row.tests[0].kind in ("limit", "average", "twice", "apart")
            ),
        )
        for one in order
    ]


def _values(
    tx: Transaction, content: Monitoring, patients: Sequence[str], since: datetime
) -> dict[str, list[tuple[str, Value]]]:
    found: dict[str, list[tuple[str, Value]]] = {}
    for row in store.rows_of(tx, "shown", patients=list(patients), since=since) if patients else ():
        if row["value"] is None or row["state"] == "duplicate" or row["metric"] not in content.metrics:
            continue
        metric = content.metrics[row["metric"]]
        found.setdefault(row["patient_id"], []).append((row["metric"], _value(row, metric)))
    return found


def _value(row: Mapping[str, Any], metric: Metric) -> Value:
    flags = [words for name, words in (("clock", "device clock is off"), ("late", "came late")) if row[name]]
    if row["state"] == "quarantined":
        flags.append("set aside: cannot be right")
    return Value(
        id=row["id"],
        at=row["measured"],
        value=row["value"],
        words=f"{plain(row['value'], metric.decimals)} {metric.shown}",
        given=row["given"],
        state=row["state"],
        marked=row["breached"],
        typed=not row["automatic"],
        flags=tuple(flags),
    )


def _audit(tx: Transaction, principal: Principal, patients: Sequence[str], query: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="Observation",
        patient_ids=sorted(set(patients)),
        query=query,
    )
    record_audit(tx, entry)
