"""Nothing came: no reading, no answer to check-ins. Both are found with the readings and are alerts like any other.

An answer to a check-in is no reading: who answers but does not step on the scale is silent all the same.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from careloop.db import Row, Transaction
from careloop.flows import home_series
from careloop.monitoring import check_in_store, store
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Act, Finding, Judged, Plan, Reading, State
from careloop.monitoring.rules.asking import unanswered
from careloop.monitoring.rules.breaches import Frame
from careloop.monitoring.rules.silence import silences

_BACK = timedelta(days=35)
_NEAR = timedelta(days=1)
_NO_UNIT = "{score}"
"""The unit of what is told, not measured."""
Plans = Mapping[str, tuple[Plan, Row]]


def is_measured(content: Monitoring, one: Reading) -> bool:
    """True for a value that somebody measured: an answer in points is none."""
    return one.value is not None and content.metrics[one.metric].unit != _NO_UNIT


def review(
    tx: Transaction,
    content: Monitoring,
    plans: Plans,
    new: Mapping[str, Sequence[Reading]],
    acts: Mapping[str, Mapping[str, Act]],
    *,
    asked: Collection[str],
    early: Mapping[str, datetime],
    now: datetime,
) -> dict[str, datetime | None]:
    """Silence that was stands in the table of readings; when the next would be, by patient. Who measured as always and
    is not in `asked` is not asked about the past. `new`: the readings that are looked at, `early`: from when on."""
    wakes: dict[str, datetime | None] = {}
    some = next(iter(content.metrics.values()))
    silent = set(asked) & plans.keys()
    for patient_id, (plan, row) in plans.items():
        measured = [one.measured for one in new.get(patient_id, ()) if is_measured(content, one)]
        last = row["last_measured"]
        as_always = (
            bool(measured)
            and last is not None
            and early.get(patient_id, last) >= last - _NEAR
            and max(measured) <= last + _NEAR * 2
        )
        if patient_id in silent or not as_always:
            silent.add(patient_id)
            continue
        frame = Frame(content=content, plan=plan, metric=some, now=now)
        newest = max(*measured, last)
        wakes[patient_id] = silences(frame, [newest], newest).wake
    if silent:
        wakes |= _past(tx, content, plans, sorted(silent), acts, now)
    return wakes


def _past(
    tx: Transaction,
    content: Monitoring,
    plans: Plans,
    silent: Sequence[str],
    acts: Mapping[str, Mapping[str, Act]],
    now: datetime,
) -> dict[str, datetime | None]:
    """All silence of the last weeks, found anew."""
    since, some = now - _BACK, next(iter(content.metrics.values()))
    wakes: dict[str, datetime | None] = {}
    told = [one.id for one in content.metrics.values() if one.unit == _NO_UNIT]
    store.execute(tx, "drop_silences", patients=list(silent), since=since)
    rows = store.rows_of(tx, "instants", patients=list(silent), since=since, told=told)
    instants = {row["patient_id"]: row["measured"] for row in rows}
    kept = check_in_store.of_patients(tx, silent, since)
    out: list[dict[str, Any]] = []
    for patient_id in silent:
        frame = Frame(content=content, plan=plans[patient_id][0], metric=some, now=now)
        found = silences(frame, instants.get(patient_id, []), since)
        wakes[patient_id] = found.wake
        unheard = unanswered(frame, [one.value for one in kept[patient_id]], _spoken(acts.get(patient_id, {})))
        out += [home_series.row_of(patient_id, "", _silent(one)) for one in (*found.findings, *unheard)]
    store.put(tx, "put_readings", out)
    return wakes


def _spoken(acts: Mapping[str, Act]) -> list[datetime]:
    """When an alert about missing answers was closed by a person."""
    return [act.closed for key, act in acts.items() if key.startswith("unanswered-") and act.closed is not None]


def _silent(one: Finding) -> Judged:
    """Silence as a line of the table, so that its findings are with all others."""
    reading = Reading(
        id=f"{one.reading} {one.at.isoformat()}", metric="missed", value=None, measured=one.at, received=one.at
    )
    return Judged(reading=reading, state=State.VALID, findings=(one,))
