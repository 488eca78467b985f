"""Readings from home, behind the writes: the change feed is read on, rules look at what is new, alerts stand or end.

In sets: one round is a fixed number of statements for any number of readings. Nothing here is kept that does not follow
from the record: the same again writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from careloop.access.model import Tenant, system_principal
from careloop.db import Row, Transaction
from careloop.flows import (
    assessing_late,
    engine,
    home_alerts,
    home_answers,
    home_plans,
    home_readings,
    home_series,
    home_silence,
    people,
    writing,
)
from careloop.flows.app import App
from careloop.flows.home_series import Key
from careloop.loops import store as loops
from careloop.monitoring import store
from careloop.monitoring.content import Monitoring, monitoring_of
from careloop.monitoring.model import Act, Alert, Finding, Judged, Plan, Reading, Tier
from careloop.monitoring.rules.alerts import alerts_of
from careloop.monitoring.rules.assess import settled
from careloop.monitoring.rules.breaches import Frame, judged_with_findings
from careloop.record import Write

EVERY = timedelta(seconds=2)
_ENTRIES, _DUE, _SECONDS = 1000, 200, 1.0
_TYPES = frozenset(
    {"Observation", "EpisodeOfCare", "DeviceRequest", "Encounter", "Patient", "Task", "QuestionnaireResponse"}
)
_BACK = timedelta(days=35)
"""So far back readings are taken in when somebody is enrolled, and silence is looked for."""
_BEFORE = timedelta(hours=1)
"""A new reading may decide what one so long before it was: its repeat."""
_NEAR = timedelta(days=1)


@dataclass
class Round:
    """What one round looks at: since when, by patient and metric; whose alerts; whose silence."""

    touched: dict[Key, datetime] = field(default_factory=dict)
    readings: dict[Key, dict[str, tuple[str, Reading]]] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)

    def touch(self, key: Key, measured: datetime) -> None:
        """The series is looked at from this moment on."""
        self.touched[key] = min(measured, self.touched.get(key, measured))
        self.patients.add(key[0])


def content_of(app: App, tx: Transaction) -> Monitoring:
    """The content of the transaction's tenant."""
    return monitoring_of(engine.catalog_for(app, tx))


def go_on(app: App, tenant: Tenant) -> int:
    """The feed is read on and what waits is looked at, for at most about a second; how many patients were looked at.
    For the worker; safe at any time."""
    until, looked, more = monotonic() + _SECONDS, 0, True
    while more and monotonic() < until:
        seen, more = app.database.run(tenant.id, lambda tx: _round(app, tx), actor="monitoring")
        looked += seen
    return looked + app.database.run(tenant.id, lambda tx: _wake(app, tx), actor="monitoring")


def _round(app: App, tx: Transaction) -> tuple[int, bool]:
    changed = store.read_changes(tx, _TYPES, _ENTRIES)
    if changed is None:
        return 0, False
    plans = {one.patient_id for one in changed.entries if _tells_of_plan(one)}
    new = home_plans.refresh(app, tx, sorted(plans))
    watched = {one.patient_id for one in changed.entries if one.watched} | set(new)
    observations = [one.id for one in changed.entries if one.type == "Observation" and one.patient_id in watched]
    others = {one.patient_id for one in changed.entries if one.type != "Observation" and one.patient_id in watched}
    forms = [one.id for one in changed.entries if one.type == "QuestionnaireResponse"]
    if forms:
        assessing_late.catch_up(app, tx, forms)
        observations += home_answers.take_in(app, tx, content_of(app, tx), forms)
    review(app, tx, observations, others | plans, backfill=new)
    return len(watched), changed.more


def _tells_of_plan(one: store.Entry) -> bool:
    return one.type in ("EpisodeOfCare", "DeviceRequest") or (one.type in ("Encounter", "Patient") and one.watched)


def _wake(app: App, tx: Transaction) -> int:
    """Patients whose time has come: a repeat that did not come, silence."""
    due = store.due_patients(tx, app.clock.now(), _DUE)
    if due:
        review(app, tx, (), set(due))
    return len(due)


def review(
    app: App,
    tx: Transaction,
    observations: Sequence[str],
    patients: Iterable[str],
    *,
    backfill: Sequence[str] = (),
) -> None:
    """Everything that follows from these Observations and about these patients stands. `backfill`: patients whose
    Observations of the last weeks are taken in."""
    content, now = content_of(app, tx), app.clock.now()
    work = Round(patients=set(patients), silent=set(patients))
    plans = _take_in(app, tx, content, work, observations, backfill)
    if not plans:
        return
    for row in store.rows_of(tx, "waiting_metrics", patients=sorted(plans), now=now):
        work.touch((row["patient_id"], row["metric"]), row["measured"])
    standing = _standing(tx, sorted(plans))
    acts = _acts(tx, standing)
    judged = _judge(tx, content, plans, work, standing, acts, now)
    new = {name: [one.reading for one in some] for name, some in judged.items()}
    early = _earliest(work)
    wakes = home_silence.review(tx, content, plans, new, acts, asked=work.silent, early=early, now=now)
    _alerts(app, tx, content, plans, standing, acts, judged)
    _set_wakes(tx, content, plans, judged, wakes, now)


def _earliest(work: Round) -> dict[str, datetime]:
    """From when on the series of each patient are looked at."""
    found: dict[str, datetime] = {}
    for (patient_id, _), at in work.touched.items():
        found[patient_id] = min(at, found.get(patient_id, at))
    return found


def _take_in(
    app: App,
    tx: Transaction,
    content: Monitoring,
    work: Round,
    observations: Sequence[str],
    backfill: Sequence[str],
) -> dict[str, tuple[Plan, Row]]:
    """The readings of these Observations are known to the round; the plans of everybody in it, locked."""
    found = list(app.record.fetch(tx, [f"Observation/{one}" for one in dict.fromkeys(observations)]).values())
    if backfill:
        early = (app.clock.now() - _BACK).date().isoformat()
        charts = app.record.of_patients(tx, list(backfill), ("Observation",))
        here = {one.id for one in found}
        found += [
            one
            for chart in charts.values()
            for one in chart
            if one.id not in here and str(one.resource.get("effectiveDateTime", "")) >= early
        ]
    whose = {str(one.patient_id) for one in found if one.patient_id} | work.patients | set(backfill)
    rows = store.rows_of(tx, "plans", patients=sorted(whose)) if whose else []
    plans = {row["patient_id"]: (home_plans.from_json(row["plan"]), row) for row in rows}
    ids = sorted({*observations, *(one.id for one in found)})
    received = {
        row["id"]: row["received"]
        for row in (store.rows_of(tx, "received", patients=sorted(plans), observations=ids) if ids and plans else [])
    }
    stand: list[str] = []
    for one in found:
        known = plans.get(str(one.patient_id))
        if known is None or one.deleted:
            continue
        for reading in home_readings.readings_of(one.resource, content, known[0], one.last_updated):
            mine = replace(reading, received=received.get(reading.id, reading.received))
            key = (str(one.patient_id), mine.metric)
            work.readings.setdefault(key, {})[mine.id] = (one.id, mine)
            work.touch(key, mine.measured)
            stand.append(mine.id)
    if ids:
        for row in store.rows_of(tx, "drop_observations", observations=ids, standing=stand):
            work.touch((row["patient_id"], row["metric"]), row["measured"])
            work.silent.add(row["patient_id"])
    work.silent |= set(backfill)
    return plans


def _standing(tx: Transaction, patients: Sequence[str]) -> dict[str, dict[str, Row]]:
    """The alerts that stand, by patient and key."""
    found: dict[str, dict[str, Row]] = {}
    for row in store.rows_of(tx, "alerts", patients=list(patients)):
        found.setdefault(row["patient_id"], {})[f"{row['alert']}-{row['number']}"] = row
    return found


def _acts(tx: Transaction, standing: Mapping[str, Mapping[str, Row]]) -> dict[str, dict[str, Act]]:
    """What people did about them: the loop's first step is the seeing, its end the end."""
    rows = {f"DetectedIssue/{row['id']}": row for mine in standing.values() for row in mine.values()}
    found: dict[str, dict[str, Act]] = {}
    for loop in loops.load_loops(tx, focuses=sorted(rows)) if rows else ():
        row = rows[loop.state.focus]
        triage = next((step.ended for step in loop.state.steps if step.step_id == "triage"), None)
        act = Act(seen=triage or loop.state.closed, closed=loop.state.closed)
        found.setdefault(row["patient_id"], {})[f"{row['alert']}-{row['number']}"] = act
    return found


def _judge(
    tx: Transaction,
    content: Monitoring,
    plans: Mapping[str, tuple[Plan, Row]],
    work: Round,
    standing: Mapping[str, Mapping[str, Row]],
    acts: Mapping[str, Mapping[str, Act]],
    now: datetime,
) -> dict[str, list[Judged]]:
    """The series that are touched, each reading with what it breaches; kept in their table."""
    wanted = {
        key: at - timedelta(days=content.metrics[key[1]].days) for key, at in work.touched.items() if _is(content, key)
    }
    for patient_id, mine in standing.items():
        for key, row in mine.items():
            act = acts.get(patient_id, {}).get(key)
            if row["state"] == "open" and row["tier"] == "yellow" and act is not None and act.seen is not None:
                for metric in _metrics_of(content, row):
                    since = wanted.get((patient_id, metric), row["opened"])
                    wanted[(patient_id, metric)] = min(since, row["opened"] - _NEAR)
    symptoms = home_series.symptoms_near(tx, content, plans.keys(), work.touched, work.readings)
    series = home_series.series_of(tx, wanted)
    accepted = home_series.accepted_in(tx, content, sorted(plans))
    out: list[dict[str, Any]] = []
    found: dict[str, list[Judged]] = {}
    for place in sorted(wanted):
        patient_id, metric = place
        if patient_id not in plans:
            continue
        known, new = series.get(place, {}), work.readings.get(place, {})
        readings = {**{name: one for name, (one, _) in known.items()}, **{name: one for name, (_, one) in new.items()}}
        start = work.touched[place] - _BEFORE if place in work.touched else now + _NEAR
        frame = Frame(
            content=content,
            plan=plans[patient_id][0],
            metric=content.metrics[metric],
            now=now,
            symptoms=symptoms.get(patient_id, ()),
        )
        for one in judged_with_findings(
            frame, list(readings.values()), start=start, accepted=accepted.get(patient_id, ())
        ):
            if one.reading.measured >= start:
                observation = new[one.reading.id][0] if one.reading.id in new else one.reading.id.partition("#")[0]
                out.append(home_series.row_of(patient_id, observation, one))
                found.setdefault(patient_id, []).append(one)
            else:
                found.setdefault(patient_id, []).append(replace(one, findings=known[one.reading.id][1]))
    store.put(tx, "put_readings", out)
    return found


def _is(content: Monitoring, key: Key) -> bool:
    return key[1] in content.metrics


def _metrics_of(content: Monitoring, row: Row) -> list[str]:
    """The metrics whose normal readings can end an alert: its own, or any for one about silence."""
    named = {found.metric for one in row["row_ids"] if (found := content.row(one)) is not None}
    return [one for one in sorted(named) if one in content.metrics] or list(content.metrics)


def _alerts(
    app: App,
    tx: Transaction,
    content: Monitoring,
    plans: Mapping[str, tuple[Plan, Row]],
    standing: Mapping[str, Mapping[str, Row]],
    acts: Mapping[str, Mapping[str, Act]],
    judged: Mapping[str, Sequence[Judged]],
) -> None:
    """The alerts of these patients are what their findings say; each that changed is written as its DetectedIssue."""
    found: dict[str, list[Finding]] = {}
    for row in store.rows_of(tx, "findings", patients=sorted(plans)):
        found.setdefault(row["patient_id"], []).extend(home_series.decode_findings(row["findings"]))
    changed: list[dict[str, Any]] = []
    for patient_id in sorted({*found, *standing}):
        mine, done = standing.get(patient_id, {}), acts.get(patient_id, {})
        alerts = settled(
            content, alerts_of(found.get(patient_id, ()), done, content.windows), done, judged.get(patient_id, ())
        )
        changed += _changes(tx.tenant_id, patient_id, alerts, mine, app.clock.now())
    if not changed:
        return
    store.put(tx, "put_alerts", changed)
    zone = people.zone_of(tx)
    issues = [home_alerts.detected_issue(row, content, zone) for row in changed]
    writes = [Write(method="update", resource_type="DetectedIssue", id=one["id"], resource=one) for one in issues]
    writing.write(app, tx, system_principal(tx.tenant_id, "monitoring"), writes, each=True)


def _changes(
    tenant_id: int, patient_id: str, alerts: Sequence[Alert], standing: Mapping[str, Row], now: datetime
) -> list[dict[str, Any]]:
    rows = [home_alerts.row_of(tenant_id, patient_id, one, standing.get(one.key)) for one in alerts]
    keys = {one.key for one in alerts}
    gone = [
        home_alerts.withdrawn(row, now) for key, row in standing.items() if key not in keys and row["state"] == "open"
    ]
    return [one for one in rows if not _same(one, standing.get(f"{one['alert']}-{one['number']}"))] + gone


def _same(row: Mapping[str, Any], standing: Row | None) -> bool:
    return standing is not None and all(standing[name] == value for name, value in row.items())


def _set_wakes(
    tx: Transaction,
    content: Monitoring,
    plans: Mapping[str, tuple[Plan, Row]],
    judged: Mapping[str, Sequence[Judged]],
    wakes: Mapping[str, datetime | None],
    now: datetime,
) -> None:
    waits = {
        row["patient_id"]: row["waits_until"] for row in store.rows_of(tx, "waits", patients=sorted(plans), now=now)
    }
    rows = []
    for patient_id, (plan, _) in plans.items():
        at = min((one for one in (waits.get(patient_id), wakes.get(patient_id)) if one is not None), default=None)
        readings = (one.reading for one in judged.get(patient_id, ()))
        last = max((one.measured for one in readings if home_silence.is_measured(content, one)), default=None)
        over = plan.until is not None and plan.until < now
        rows.append({"patient_id": patient_id, "wake_at": None if over else at, "last_measured": last})
    store.put(tx, "set_wakes", rows)


__all__ = ["EVERY", "Tier", "content_of", "go_on", "review"]
