"""Case files of home readings: readings, acts and a moment; which alerts must stand then.

A case has `monitoring` (the patient, readings, acts) and `then` (a moment, or a list of moments, with what must be so),
or `enrolment` and `refused`; for check-ins see `check_in_cases`. Readings are tried in both orders, and each twice.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.errors import Fault, Rejected
from careloop.monitoring.check_in_cases import wrong_answers, wrong_asking
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Act, Plan, Reading, SignedLimits, State
from careloop.monitoring.rules.assess import Assessment, assess
from careloop.monitoring.rules.enrolment import billing_days, enrolment_faults
from careloop.monitoring.units import canonical

Line = Mapping[str, Any]


def is_case(case: Any) -> bool:
    """True for a case of this kind."""
    return isinstance(case, Mapping) and any(name in case for name in _KINDS)


def run_case(case: Line, content: Monitoring) -> list[Fault]:
    """What of the case is not so."""
    try:
        told = next(run for name, run in _KINDS.items() if name in case)(case, content)
    except (KeyError, ValueError, TypeError, ArithmeticError, Rejected) as error:
        told = [f"a case that can be read ({type(error).__name__}: {error})"]
    return [Fault(at="", expected=text) for text in dict.fromkeys(told)]


def _enrolment(case: Line, content: Monitoring) -> list[str]:
    given = case["enrolment"]
    faults = enrolment_faults(
        content, given.get("programmes", ["heart-failure"]), on_call=given["on_call"], told=given["told"]
    )
    wanted = case["refused"]
    if not wanted:
        return [f"no refusal, it is {faults[0].expected}"] if faults else []
    return [] if any(wanted in fault.expected for fault in faults) else [f"a refusal with: {wanted}"]


def _readings(case: Line, content: Monitoring) -> list[str]:
    given = case["monitoring"]
    plan = _plan(given)
    readings = [one for line in given["readings"] for one in _reading(line, content, plan.zone)]
    told: list[str] = []
    for then in case["then"] if isinstance(case["then"], list) else [case["then"]]:
        for some in (readings, readings[::-1], [*readings, *readings]):
            acts, accepted = _acts(given.get("acts", ()), then)
            found = assess(content, plan, _once(some), _instant(then["now"]), acts=acts, accepted=accepted)
            told += [f"at {then['now']}: {text}" for text in _wrong(then, found, plan)]
    return told


def _once(readings: Sequence[Reading]) -> list[Reading]:
    """The store keeps one row for an id."""
    return list({one.id: one for one in readings}.values())


def _wrong(then: Line, found: Assessment, plan: Plan) -> list[str]:
    told: list[str] = []
    if "alerts" in then:
        wanted = {str(name): dict(one) for name, one in then["alerts"].items()}
        seen = {one.key if one.number else one.alert: one for one in found.alerts}
        if wanted.keys() != seen.keys():
            return [f"alerts {sorted(wanted)}, they are {sorted(seen)}"]
        for name, one in wanted.items():
            alert = seen[name]
            facts = {
                "tier": alert.tier.value,
                "late": alert.late,
                "readings": len(alert.readings),
                "open": alert.closed is None,
                "settled": alert.settled,
                "rows": sorted({finding.row for finding in alert.findings}),
            }
            told += [
                f"{name} {key} {value}, it is {facts[key]}"
                for key, value in one.items()
                if key in facts and facts[key] != value
            ]
            if "since" in one and _instant(one["since"]) != alert.since:
                told.append(f"{name} since {one['since']}, it is {alert.since}")
            if "says" in one and one["says"] not in alert.worst.says:
                told.append(f"{name} says {one['says']}, it is {alert.worst.says}")
    states = {judged.reading.id: judged for judged in found.judged}
    for name, state in then.get("states", {}).items():
        is_so = states[name].clock if state == "clock" else states[name].state is State(state)
        told += [] if is_so else [f"{name} {state}, it is {states[name].state.value}"]
    if "valid" in then:
        count = sum(1 for one in found.judged if one.state is State.VALID)
        told += [] if count == then["valid"] else [f"{then['valid']} valid readings, there are {count}"]
    if "wake" in then and found.wake != (None if then["wake"] is None else _instant(then["wake"])):
        told.append(f"wake {then['wake']}, it is {found.wake}")
    for name, text in then.get("values", {}).items():
        value = states[name].reading.value
        told += [] if value == Decimal(str(text)) else [f"{name} {text}, it is {value}"]
    if "billing_days" in then:
        days = billing_days(found.judged, plan.zone, date.min, date.max)
        wanted_days = [date.fromisoformat(str(day)) for day in then["billing_days"]]
        told += [] if days == wanted_days else [f"days {wanted_days}, they are {days}"]
    return told


def _plan(given: Line) -> Plan:
    signed = [
        SignedLimits(
            at=_instant(one["at"]),
            by=str(one.get("by", "Practitioner/1")),
            values={name: None if value is None else Decimal(str(value)) for name, value in one["values"].items()},
        )
        for one in given.get("limits", ())
    ]
    holds = tuple(
        (_instant(one["from"]), _instant(one["to"]) if "to" in one else None) for one in given.get("holds", ())
    )
    return Plan(
        zone=given.get("zone", "America/New_York"),
        since=_since(given),
        conditions=frozenset(given.get("conditions", ())),
        limits=tuple(sorted(signed, key=lambda one: one.at)),
        usual={name: Decimal(str(value)) for name, value in given.get("usual", {}).items()},
        discharged=date.fromisoformat(str(given["discharged"])) if "discharged" in given else None,
        holds=holds,
    )


def _since(given: Line) -> datetime:
    """When the patient began to take part: as said, else an hour before the first reading."""
    if "since" in given:
        return _instant(given["since"])
    return min(_instant(line["at"]) for line in given["readings"]) - timedelta(hours=1)


_MARKS = frozenset({"at", "received", "id", "device", "live", "fasting", "typed", "symptoms", "error", "unit"})


def _reading(line: Line, content: Monitoring, zone: str) -> list[Reading]:
    at = _instant(line["at"])
    found = []
    for metric in (name for name in line if name not in _MARKS):
        given = str(line[metric])
        number, _, unit = given.partition(" ")
        value = None
        if not line.get("error"):
            value = canonical(Decimal(number), unit or content.metrics[metric].unit, content.metrics[metric], content)
        found.append(
            Reading(
                id=str(line.get("id", f"{metric} {at.isoformat()} {line.get('device', '')}")),
                metric=metric,
                value=value,
                measured=at,
                received=_instant(line.get("received", line["at"])),
                device=str(line.get("device", "")),
                live=bool(line.get("live")),
                fasting=bool(line.get("fasting")),
                automatic=not line.get("typed"),
                given=given,
                symptoms=tuple(line.get("symptoms", ())),
            )
        )
    return found


def _acts(lines: Sequence[Line], then: Line) -> tuple[dict[str, Act], list[str]]:
    now = _instant(then["now"])
    acts: dict[str, Act] = {}
    accepted = []
    for line in lines:
        at = _instant(line["at"])
        if at > now:
            continue
        if "accept" in line:
            accepted.append(str(line["accept"]))
            continue
        name = str(line.get("close") or line.get("seen"))
        key = name if name[-1:].isdigit() else f"{name}-0"
        known = acts.get(key, Act())
        acts[key] = Act(seen=known.seen or at, closed=at if "close" in line else known.closed)
    return acts, accepted


def _instant(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError("an instant with an offset")
    return found


_KINDS = {
    "enrolment": _enrolment,
    "check_in": wrong_answers,
    "asking": wrong_asking,
    "monitoring": _readings,
}
"""What a case of each kind is told by, by the name of its first part."""
