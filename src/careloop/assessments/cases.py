"""Case files of assessments: answers, and the score, band and actions that must follow (tests/content/assessments).

A case has `instrument` with `answers` (a list in the order of the items, or item to code or points; `null` is no
answer) and `gives`; or `instrument`, `before` and `after` (totals) and `gives`; or `needs` (LOINC or item id to answer
codes) and `gives`; or `instrument`, `visit` (a day), `screenings` (`day`, `positive`), `plans` (days), `problems` and
`gives`; or `checkin` with `known`, `scores`, `contradictions`, `answers` and `asks`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.assessments.model import About, Answer, Content, Instrument, Said
from careloop.assessments.rules.acting import actions_of, needs_of
from careloop.assessments.rules.comparing import compared, rescreen_due
from careloop.assessments.rules.planning import Facts, Fresh, Known, plan
from careloop.assessments.rules.scoring import score
from careloop.assessments.rules.visits import Screening, screened_for
from careloop.errors import Fault

Line = Mapping[str, Any]
_NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
_KEYS = ("instrument", "needs", "checkin")


def is_case(case: Any) -> bool:
    """True for a case of this kind."""
    return isinstance(case, Mapping) and any(key in case for key in _KEYS) and ("gives" in case or "asks" in case)


def run_case(case: Line, content: Content) -> list[Fault]:
    """What of the case is not so."""
    try:
        wanted, found = _played(case, content)
    except (KeyError, ValueError, TypeError) as error:
        return [Fault(at="", expected=f"a case that can be read ({type(error).__name__}: {error})")]
    return [
        Fault(at="", expected=f"{name} {want!r}, it is {found.get(name)!r}")
        for name, want in wanted.items()
        if found.get(name) != want
    ]


def _played(case: Line, content: Content) -> tuple[Line, Line]:
    if "checkin" in case:
        return {"asks": case["asks"]}, {"asks": _asks(case, content)}
    if "needs" in case:
        answers = {key: Answer(codes=tuple(codes)) for key, codes in case["needs"].items()}
        needs = needs_of(content.needs, answers, answers)
        return case["gives"], {
            "needs": [one.id for one in needs],
            "due": [one.due for one in needs],
            "codes": [code for one in needs for code in one.icd10],
            "shown": [one.id for one in needs if not one.private],
            "safety": [one.id for one in needs if one.safety],
        }
    instrument = content.instruments[case["instrument"]]
    if "before" in case:
        return case["gives"], _change(instrument, case)
    if "visit" in case:
        return case["gives"], _visit(instrument, case)
    return case["gives"], _scored(instrument, case)


def _change(instrument: Instrument, case: Line) -> Line:
    change = compared(instrument, Decimal(str(case["before"])), Decimal(str(case["after"])))
    return {
        "by": int(change.by), "percent": change.percent, "response": change.response,
        "remission": change.remission, "counts": change.counts,
    }  # fmt: skip


def _visit(instrument: Instrument, case: Line) -> Line:
    if instrument.visit is None:
        raise ValueError(f"{instrument.id} says nothing about visits")
    screenings = [Screening(on=date.fromisoformat(one["day"]), positive=one["positive"]) for one in case["screenings"]]
    plans = [date.fromisoformat(one) for one in case.get("plans", ())]
    found = screened_for(
        instrument.visit, date.fromisoformat(case["visit"]), screenings, plans, case.get("problems", ())
    )
    until = found.plan_until.isoformat() if found.plan_until else None
    return {"state": found.state.value, "days_before": found.days_before, "plan_until": until}


def _scored(instrument: Instrument, case: Line) -> Line:
    answers = _answers(instrument, case["answers"])
    found = score(instrument, answers, sex=case.get("sex", "other"))
    actions = actions_of(instrument, found, answers, complete=case.get("complete", True))
    again = rescreen_due(instrument, found.total, [Decimal(one) for one in case.get("earlier", ())], _NOW)
    return {
        "total": None if found.total is None else _plain(found.total),
        "state": found.state,
        "missing": list(found.missing),
        "band": found.band,
        "positive": found.positive,
        "review": found.review,
        "severe": bool(found.severe),
        "subscales": [None if mean is None else _plain(mean) for _, _, mean in found.subscales],
        "does": [one.does.value for one in actions],
        "actions": [one.id for one in actions],
        "due": [one.due for one in actions],
        "rules": [one.rule for one in actions],
        "private": [one.id for one in actions if one.private],
        "at_once": [one.id for one in actions if one.at_once],
        "again": again[0].date().isoformat() if again else None,
    }


def _answers(instrument: Instrument, given: Any) -> dict[str, Answer]:
    named = given if isinstance(given, Mapping) else _in_order(instrument, given)
    return {item: _answer(instrument, item, value) for item, value in named.items() if value is not None}


def _in_order(instrument: Instrument, given: list[Any]) -> dict[str, Any]:
    items = [item.id for item in instrument.items if item.scored]
    if len(given) > len(items):
        raise ValueError(f"at most {len(items)} answers")
    return dict(zip(items, given, strict=False))


def _answer(instrument: Instrument, item_id: str, value: Any) -> Answer:
    item = instrument.item(item_id)
    if item is None:
        raise KeyError(item_id)
    if isinstance(value, str):
        return Answer(codes=(value,))
    number = Decimal(str(value))
    if item.choices:
        return Answer(codes=(next(one.code for one in item.choices if one.score == number),))
    return Answer(number=number)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _asks(case: Line, content: Content) -> dict[str, str]:
    """What a check-in asks, by linkId of an own item or `<instrument>` for all of its items, and why."""
    known = {link: Known(said=tuple(map(_said, lines))) for link, lines in case.get("known", {}).items()}
    scores = {
        name: Fresh(instrument=name, at=_NOW - timedelta(days=days), words="")
        for name, days in case.get("scores", {}).items()
    }
    born = case.get("born")
    facts = Facts(
        about=About(sex=case.get("sex", "other"), born=date.fromisoformat(born) if born else None),
        now=_NOW,
        known=known,
        scores=scores,
        contradictions=frozenset(case.get("contradictions", ())),
    )
    answers = {link: Answer(codes=(code,)) for link, code in case.get("answers", {}).items()}
    parts = plan(content.checkins[case["checkin"]], content, facts, answers)
    sections = case.get("sections")
    found: dict[str, str] = {}
    for part in parts:
        if sections is None or part.section.id in sections:
            for step in part.steps:
                found[step.link.partition("/")[0] if step.item else step.link] = step.why
    return found


def _said(line: Line) -> Said:
    at = _NOW - timedelta(days=line["days"])
    return Said(answer=Answer(codes=(line["said"],)), words=line["said"], by=line.get("by", "patient"), at=at)
