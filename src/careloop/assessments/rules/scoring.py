"""From answers to a score: totals, proration, bands, cut-offs (AS-03). Missing is never zero."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from careloop.assessments.model import Answer, In, Instrument, Item, Positive, Score

Answers = Mapping[str, Answer]
_HUNDRED = Decimal(100)
_PLACES = Decimal("0.01")


def score(instrument: Instrument, answers: Answers, *, sex: str = "other") -> Score:
    """What these answers come to. The order of answers does not matter, nor do answers to other items."""
    scored = [item for item in instrument.items if item.scored and is_asked(item, answers)]
    known = {item.id: found for item in scored if (found := _counted(item, answers)) is not None}
    missing = tuple(item.id for item in scored if item.id not in known)
    total, prorated = _total(instrument, scored, known, missing)
    positive, review = _positive(instrument, total, known, answers, sex)
    severe = instrument.severe
    return Score(
        instrument=instrument.id,
        version=instrument.version,
        total=total,
        answered=len(known),
        asked=len(scored),
        missing=missing,
        prorated=prorated,
        band=_band(instrument, total),
        positive=positive,
        review=review,
        severe=severe[1] if severe and total is not None and total >= severe[0] else "",
        subscales=tuple((one.id, one.title, _mean(one.items, known)) for one in instrument.subscales),
    )


def is_asked(item: Item, answers: Answers) -> bool:
    """False for an item that is asked only after an answer that was not given."""
    return item.only is None or _holds(item.only, answers)


def points(item: Item, answer: Answer | None) -> Decimal | None:
    """The points of an answer with reversal and weight; None for no answer, and for an answer that counts as none."""
    if answer is None or not answer.given:
        return None
    if item.choices:
        found = [one.score for one in item.choices if one.code in answer.codes and one.score is not None]
        raw = sum(found, Decimal(0)) if item.many and found else (found[0] if found else None)
        allowed: Iterable[Decimal] = [one.score for one in item.choices if one.score is not None]
        if raw is None and answer.number is not None and answer.number in set(allowed):
            raw = answer.number
    else:
        raw, allowed = _entered(item, answer), item.values
    if raw is None:
        return None
    if item.reverse:
        span = list(allowed)
        raw = max(span) + min(span) - raw
    return raw * item.weight


def _entered(item: Item, answer: Answer) -> Decimal | None:
    """A number that may be entered here; anything else is no answer."""
    number = answer.number
    if number is None:
        return None
    if item.values:
        return number if number in item.values else None
    is_inside = (item.least is None or number >= item.least) and (item.most is None or number <= item.most)
    return number if is_inside else None


def _counted(item: Item, answers: Answers) -> Decimal | None:
    """Its points; where the instrument says that it need not be asked, what it then counts."""
    found = points(item, answers.get(item.id))
    if found is None and item.unless is not None and _holds(item.unless, answers):
        return item.unless.counts
    return found


def _holds(condition: In, answers: Answers) -> bool:
    answer = answers.get(condition.item)
    return answer is not None and not condition.codes.isdisjoint(answer.codes)


def _total(
    instrument: Instrument, scored: Sequence[Item], known: Mapping[str, Decimal], missing: Sequence[str]
) -> tuple[Decimal | None, bool]:
    """The total and whether it is prorated; none where the rules of the instrument give none (AS-03)."""
    if instrument.method == "none" or not known:
        return None, False
    rule = instrument.missing
    if len(missing) > rule.most or not rule.never.isdisjoint(missing):
        return None, False
    whole = sum(known.values(), Decimal(0))
    if instrument.method == "mean":
        return (whole / len(known)).quantize(_PLACES, ROUND_HALF_UP), bool(missing)
    if instrument.method == "top-box":
        return _top_box(scored, known), False
    if not missing:
        return whole, False
    return (whole * len(scored) / len(known)).quantize(Decimal(1), ROUND_HALF_UP), True


def _top_box(scored: Sequence[Item], known: Mapping[str, Decimal]) -> Decimal:
    """The share of best answers among those given, in percent."""
    best = sum(known[item.id] == _best(item) for item in scored if item.id in known)
    return (_HUNDRED * best / len(known)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _best(item: Item) -> Decimal:
    return max(one.score for one in item.choices if one.score is not None)


def _mean(items: Sequence[str], known: Mapping[str, Decimal]) -> Decimal | None:
    found = [known[item] for item in items if item in known]
    if len(found) < len(items):
        return None
    return (sum(found, Decimal(0)) / len(found)).quantize(_PLACES, ROUND_HALF_UP)


def _band(instrument: Instrument, total: Decimal | None) -> str | None:
    if total is None:
        return None
    return next((one.name for one in instrument.bands if one.low <= total <= one.high), None)


def _positive(
    instrument: Instrument, total: Decimal | None, known: Mapping[str, Decimal], answers: Answers, sex: str
) -> tuple[bool | None, bool]:
    """Positive or not, None where that is not known; and whether a person must look first."""
    rule = instrument.positive
    if rule is None:
        return None, False
    if any(_holds(one, answers) for one in rule.any):
        return True, False
    has_cut = rule.at_least is not None or rule.at_most is not None or bool(rule.by_sex)
    if not has_cut:
        is_known = all(one.item in answers and answers[one.item].given for one in _asked_of(instrument, rule, answers))
        return (False if is_known else None), False
    if total is None:
        return None, False
    is_over = _reaches(rule, total, sex)
    only = rule.review_if_only
    if is_over and only and known.get(only) == total:
        return None, True
    return is_over, False


def _asked_of(instrument: Instrument, rule: Positive, answers: Answers) -> list[In]:
    """Those of the telling items that were to be asked."""
    items = {item.id: item for item in instrument.items}
    return [one for one in rule.any if is_asked(items[one.item], answers)]


def _reaches(rule: Positive, total: Decimal, sex: str) -> bool:
    if rule.at_most is not None:
        return total <= rule.at_most
    cut = rule.by_sex.get(sex, rule.by_sex.get("other")) if rule.by_sex else rule.at_least
    return cut is not None and total >= cut
