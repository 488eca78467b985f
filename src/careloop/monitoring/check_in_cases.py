"""Case files of check-ins: answers and what they come to; who was asked when, and what is due then.

A case has `check_in` (conditions, answers by place) and `then` (what is asked next, or level and words), or `asking`
(a plan, what was asked and answered) and `then` (a moment, or a list of them, with what is due).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan, SignedLimits
from careloop.monitoring.rules import check_ins
from careloop.monitoring.rules.alerts import alerts_of
from careloop.monitoring.rules.asking import Asking, CheckIn, asking_of, due, unanswered
from careloop.monitoring.rules.breaches import Frame

Line = Mapping[str, Any]


def wrong_answers(case: Line, content: Monitoring) -> list[str]:
    """What of a case of answers is not so."""
    given, then = case["check_in"], case["then"]
    forms = check_ins.forms_for(content.check_ins, given.get("conditions", ()))
    answers = {str(place): str(answer) for place, answer in given.get("answers", {}).items()}
    asked = check_ins.next_question(forms, answers)
    told = []
    if "asks" in then and (asked is None or asked.place != then["asks"]):
        told.append(f"{then['asks']} is asked, it is {asked.place if asked else 'nothing'}")
    if "level" not in then:
        return told
    found = check_ins.outcome(forms, answers, content.check_ins["levels"], so_far="asks" in then)
    facts = {
        "level": found.level,
        "symptoms": list(found.symptoms),
        "scores": dict(found.scores),
        "questions": len(found.answered),
    }
    told += [
        f"{name} {then[name]}, it is {fact}" for name, fact in facts.items() if name in then and then[name] != fact
    ]
    if "says" in then and then["says"] not in found.says:
        told.append(f"says {then['says']}, it is {found.says}")
    return told


def wrong_asking(case: Line, content: Monitoring) -> list[str]:
    """What of a case of asking is not so, with the check-ins in either order."""
    given, asking = case["asking"], asking_of(content.check_ins)
    plan = _plan(given)
    some = [_check_in(number, line, asking, plan) for number, line in enumerate(given.get("asked", ()))]
    spoken = [_instant(one) for one in given.get("spoken", ())]
    told: list[str] = []
    for then in case["then"] if isinstance(case["then"], list) else [case["then"]]:
        now = _instant(then["now"])
        known = [one for one in some if one.asked <= now]
        for asked in (known, known[::-1]):
            told += [
                f"at {then['now']}: {text}"
                for text in _wrong(then, asking, plan, asked, [at for at in spoken if at <= now], now, content)
            ]
    return told


def _wrong(
    then: Line,
    asking: Asking,
    plan: Plan,
    asked: Sequence[CheckIn],
    spoken: Sequence[datetime],
    now: datetime,
    content: Monitoring,
) -> list[str]:
    found = due(asking, plan, asked, spoken, now)
    facts: dict[str, Any] = {
        "ask": None if found.ask is None else found.ask[0],
        "until": None if found.ask is None else found.ask[1],
        "remind": len(found.remind),
        "close": len(found.close),
        "stopped": found.stopped,
        "wake": found.wake,
    }
    told = []
    for name, fact in facts.items():
        if name in then:
            wanted = _instant(then[name]) if isinstance(then[name], str) else then[name]
            told += [] if wanted == fact else [f"{name} {then[name]}, it is {fact}"]
    if "alerts" in then:
        frame = Frame(content=content, plan=plan, metric=next(iter(content.metrics.values())), now=now)
        alerts = alerts_of(unanswered(frame, asked, spoken), {}, content.windows)
        seen = {one.alert: f"{one.tier.value}: {one.worst.says}" for one in alerts}
        if then["alerts"].keys() != seen.keys():
            return [*told, f"alerts {sorted(then['alerts'])}, they are {sorted(seen)}"]
        told += [
            f"{name} {says}, it is {seen[name]}" for name, says in then["alerts"].items() if says not in seen[name]
        ]
    return told


def _plan(given: Line) -> Plan:
    limits = [
        SignedLimits(
            at=_instant(one["at"]),
            by="Practitioner/1",
            values={name: Decimal(str(value)) for name, value in one["values"].items()},
        )
        for one in given.get("limits", ())
    ]
    return Plan(
        zone=given.get("zone", "America/New_York"),
        since=_instant(given["since"]),
        conditions=frozenset(given.get("conditions", ())),
        limits=tuple(limits),
        discharged=date.fromisoformat(str(given["discharged"])) if "discharged" in given else None,
        holds=tuple(
            (_instant(one["from"]), _instant(one["to"]) if "to" in one else None) for one in given.get("holds", ())
        ),
        rhythm=given["rhythm"],
        rhythm_since=_instant(given["changed"]) if "changed" in given else None,
        ask_at=given.get("ask_at", ""),
        admitted=bool(given.get("admitted")),
        deceased=bool(given.get("deceased")),
    )


def _check_in(number: int, line: Line, asking: Asking, plan: Plan) -> CheckIn:
    at = _instant(line["at"])
    rhythm = asking.rhythms.get(plan.rhythm)
    open_for = rhythm.open_for if rhythm is not None else timedelta(hours=24)
    return CheckIn(
        id=str(number),
        asked=at,
        closes=_instant(line["closes"]) if "closes" in line else at + open_for,
        sent=line.get("sent", True),
        by_hand=bool(line.get("by_hand")),
        no_way=bool(line.get("no_way")),
        answered=_instant(line["answered"]) if "answered" in line else None,
        reminded=_instant(line["reminded"]) if "reminded" in line else None,
    )


def _instant(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError("an instant with an offset")
    return found
