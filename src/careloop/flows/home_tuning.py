"""The tuner: how many alerts a setting would have made in the last 30 days, before anybody saves it (features.md 44).

A pure replay of the readings of the record under the draft and under what holds now. What people closed is not
replayed: an alert that is open stays open, on both sides alike, so the two counts can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.flows import home_plans, monitoring
from careloop.flows.app import App
from careloop.monitoring import store
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Act, Alert, Plan, Reading, SignedLimits, Tier
from careloop.monitoring.rules.assess import assess

DAYS = 30
_BEFORE = timedelta(days=35)
_AT_ONCE = 50
_HISTORY = timedelta(hours=48)
"""What came later than that was loaded as history: it is replayed as if it had come when it was measured."""
MOST = 500
"""So many patients are replayed for a page; the answer says how many of how many."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """Alerts of one name under what holds now and under the draft."""

    name: str
    now: int
    draft: int


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What a draft would have made of the last days."""

    patients: int
    readings: int
    counts: tuple[Count, ...]
    red_now: int
    red_draft: int

    @property
    def total(self) -> tuple[int, int]:
        """All alerts: now, draft."""
        return sum(one.now for one in self.counts), sum(one.draft for one in self.counts)


def preview(
    app: App, tx: Transaction, principal: Principal, patients: Sequence[str], values: Mapping[str, Decimal | None]
) -> Tuned:
    """The last 30 days of these patients under `values` for all of them; nothing is written. No patients: everybody who
    is watched, up to `MOST`."""
    require_action(principal, Action.WORKLIST_READ)
    content, now = monitoring.content_of(app, tx), app.clock.now()
    chosen = list(patients) or [row["patient_id"] for row in store.rows_of(tx, "watched", after="", limit=MOST)]
    before: list[Alert] = []
    after: list[Alert] = []
    readings = 0
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        plans = {
            row["patient_id"]: home_plans.from_json(row["plan"])
            for row in store.rows_of(tx, "plan_rows", patients=some)
        }
        found = _readings(tx, some, now - timedelta(days=DAYS) - _BEFORE)
        for patient_id, plan in plans.items():
            mine = found.get(patient_id, [])
            readings += sum(1 for one in mine if one.measured >= now - timedelta(days=DAYS))
            before += replay(content, plan, mine, now)
            after += replay(content, drafted(plan, values, now), mine, now)
    names = sorted({one.alert for one in (*before, *after)})
    counts = tuple(
        Count(
            name=content.names.get(name, name),
            now=sum(1 for one in before if one.alert == name),
            draft=sum(1 for one in after if one.alert == name),
        )
        for name in names
    )
    return Tuned(
        patients=len(chosen),
        readings=readings,
        counts=counts,
        red_now=sum(1 for one in before if one.tier is Tier.RED),
        red_draft=sum(1 for one in after if one.tier is Tier.RED),
    )


def drafted(plan: Plan, values: Mapping[str, Decimal | None], now: datetime) -> Plan:
    """The plan as if these numbers had been signed before the window."""
    at = now - timedelta(days=DAYS) - _BEFORE
    if plan.discharged is not None:
        at = max(at, datetime.combine(plan.discharged, datetime.min.time(), tzinfo=now.tzinfo))
    standing = {row: value for one in plan.limits for row, value in one.values.items()}
    draft = SignedLimits(at=at, by="draft", values={**standing, **values})
    return replace(plan, limits=(draft,), since=min(plan.since, at))


def replay(content: Monitoring, plan: Plan, readings: Sequence[Reading], now: datetime) -> list[Alert]:
    """The alerts of the last 30 days, each taken as worked a day after it opened, as a nurse would."""
    start = now - timedelta(days=DAYS)
    first = min((one.measured for one in readings), default=plan.since)
    watched = replace(plan, since=min(plan.since, first))
    acts: dict[str, Act] = {}
    alerts: Sequence[Alert] = ()
    for _ in range(_MOST_ROUNDS):
        alerts = assess(content, watched, readings, now, acts=acts).alerts
        worked = {
            one.key: Act(seen=one.opened, closed=one.opened + timedelta(days=1))
            for one in alerts
            if one.opened + timedelta(days=1) < now
        }
        if worked == acts:
            break
        acts = worked
    return [one for one in alerts if one.opened >= start]


_MOST_ROUNDS = 40


def _readings(tx: Transaction, patients: Sequence[str], since: datetime) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {}
    for row in store.rows_of(tx, "all_readings", patients=list(patients), since=since):
        one = Reading(
            id=row["id"],
            metric=row["metric"],
            value=None if row["value"] is None else Decimal(row["value"]),
            measured=row["measured"],
            received=row["received"] if row["received"] - row["measured"] <= _HISTORY else row["measured"],
            device=row["device"],
            live=row["live"],
            fasting=row["fasting"],
            automatic=row["automatic"],
            given=row["given"],
            symptoms=tuple(row["symptoms"]),
        )
        found.setdefault(row["patient_id"], []).append(one)
    return found
