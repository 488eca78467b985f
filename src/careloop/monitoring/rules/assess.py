"""Everything at once for one patient: readings, acts and the time give the alerts that must stand. Pure.

The worker does the same in steps over what the tables hold (`flows.monitoring`); cases, the tuner and property tests
ask here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Act, Alert, Finding, Judged, Plan, Reading
from careloop.monitoring.rules.alerts import NO_ACT, alerts_of, settled_at
from careloop.monitoring.rules.breaches import Frame, judged_with_findings
from careloop.monitoring.rules.silence import silences


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What stands at one moment. `wake`: when to look again though nothing comes."""

    judged: tuple[Judged, ...]
    alerts: tuple[Alert, ...]
    wake: datetime | None

    @property
    def findings(self) -> list[Finding]:
        """Everything that was breached."""
        return [found for one in self.judged for found in one.findings]


def assess(
    content: Monitoring,
    plan: Plan,
    readings: Sequence[Reading],
    now: datetime,
    *,
    acts: Mapping[str, Act] | None = None,
    accepted: Collection[str] = (),
) -> Assessment:
    """The state at `now`, whatever the order in which the readings are given. Those received later are not here yet."""
    here = [one for one in readings if one.received <= now]
    told = [(one.measured, code) for one in here for code in one.symptoms]
    by_metric: dict[str, list[Reading]] = {}
    for one in here:
        by_metric.setdefault(one.metric, []).append(one)
    judged: list[Judged] = []
    for metric, mine in sorted(by_metric.items()):
        frame = Frame(content=content, plan=plan, metric=content.metrics[metric], now=now, symptoms=told)
        judged += judged_with_findings(frame, mine, accepted=accepted)
    some = next(iter(content.metrics.values()))
    frame = Frame(content=content, plan=plan, metric=some, now=now)
    heard = [one.reading.measured for one in judged if one.reading.value is not None]
    silent = silences(frame, heard, plan.since)
    findings = [*(found for one in judged for found in one.findings), *silent.findings]
    alerts = settled(content, alerts_of(findings, acts or {}, content.windows), acts or {}, judged)
    waits = [one.waits_until for one in judged if one.waits_until is not None]
    wake = min([*waits, *([silent.wake] if silent.wake else [])], default=None)
    return Assessment(judged=tuple(judged), alerts=tuple(alerts), wake=wake)


def settled(
    content: Monitoring, alerts: Sequence[Alert], acts: Mapping[str, Act], judged: Sequence[Judged]
) -> list[Alert]:
    """The alerts, those that ended by themselves marked so (MO-10)."""
    metric_of = {row.id: row.metric for row in content.all_rows}
    found = []
    for one in alerts:
        metric = metric_of[one.findings[0].row]
        later = [each for each in judged if metric not in content.metrics or each.reading.metric == metric]
        at = settled_at(one, acts.get(one.key, NO_ACT), later, content.windows)
        found.append(one if at is None else replace(one, closed=at, settled=True))
    return found
