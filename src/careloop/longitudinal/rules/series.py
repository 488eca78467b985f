"""The results of one test as series over time. Pure.

Values that measure the same are one series in the unit of the newest one (UCUM, exact); others are a series of their
own: nobody turns mg/dL into mmol/L by guessing what was measured. What has parts (a blood pressure) is one series for
each part. A value that is only a limit (`< 0.01`) stands in the table and is not drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.fhir.ucum import canonical, convert
from careloop.longitudinal.model import Fact, Matter, Resource
from careloop.longitudinal.rules.paths import code_of, codes_of, first, instant_of, walk
from careloop.longitudinal.rules.saying import name_of, value_of

_DATES = ("effectiveDateTime", "effectivePeriod.start", "effectiveInstant", "issued")
_LOW, _HIGH = frozenset({"L", "LL", "LU"}), frozenset({"H", "HH", "HU"})
_ABNORMAL = frozenset({"A", "AA", "POS"})
_CRITICAL = frozenset({"LL", "HH", "AA", "LU", "HU"})
_NORMAL_RANGE = frozenset({"normal", "recommended"})


@dataclass(frozen=True, kw_only=True)
class SeriesPoint:
    """One result. `value`, `low`, `high`: in the unit of the series, None where nobody can tell; `told` as it came,
    `usual` its own range in words. `flag`: low, high, abnormal, critical or empty."""

    at: datetime
    told: str
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    usual: str
    flag: str
    fact: Fact

    @property
    def is_out(self) -> bool:
        """Out of its range, or called so."""
        return bool(self.flag)


@dataclass(frozen=True, kw_only=True)
class Series:
    """The results of one test that measure the same, the oldest first. `key` is of the test (and its part and unit)."""

    key: str
    name: str
    unit: str
    category: str
    points: tuple[SeriesPoint, ...]

    @property
    def newest(self) -> SeriesPoint:
        """The last one."""
        return self.points[-1]

    @property
    def drawn(self) -> tuple[SeriesPoint, ...]:
        """Those with a number."""
        return tuple(one for one in self.points if one.value is not None)


def series_of(results: Sequence[Matter]) -> list[Series]:
    """The series of the results of one test, that with the newest result first; empty where none has a value."""
    found: dict[tuple[str, str], list[tuple[Fact, Resource, datetime]]] = {}
    for matter in results:
        at = instant_of(str(first(matter.shown.resource, _DATES) or matter.shown.sources[0].at or ""))
        if at is None:
            continue
        for part, resource in _parts(matter.shown.resource):
            found.setdefault((part, _measure(resource)), []).append((matter.shown, resource, at))
    made = [_series(part, measure, told) for (part, measure), told in found.items()]
    return sorted(made, key=lambda one: (-one.newest.at.timestamp(), one.key))


def _parts(observation: Resource) -> Iterator[tuple[str, Resource]]:
    """The observation, or its parts where only these have values."""
    components = [one for one in observation.get("component", ()) if "valueQuantity" in one]
    if "valueQuantity" not in observation and components:
        for one in components:
            yield min(codes_of(one.get("code")), default=name_of(one)), one
    elif value_of(observation):
        yield "", observation


def _measure(resource: Resource) -> str:
    """What kind of measure it is: the canonical unit, else the unit as written, else `words`."""
    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, Mapping) or _number(quantity) is None:
        return "words"
    code = _unit(quantity)
    found = canonical(Decimal(1), code)
    return found[1] if found else f"as written: {code}"


def _unit(quantity: Mapping[str, Any]) -> str:
    return str(quantity.get("code") or quantity.get("unit") or "")


def _number(quantity: Mapping[str, Any]) -> Decimal | None:
    value = quantity.get("value")
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _series(part: str, measure: str, told: Sequence[tuple[Fact, Resource, datetime]]) -> Series:
    ordered = sorted(told, key=lambda one: (one[2], one[0].reference))
    fact, newest, _ = ordered[-1]
    quantity = newest.get("valueQuantity") or {}
    code = _unit(quantity) if measure != "words" else ""
    return Series(
        key="|".join((min(codes_of(fact.resource.get("code")), default=name_of(fact.resource)), part, measure)),
        name=name_of(newest) if part else name_of(fact.resource),
        unit=str(quantity.get("unit") or code) if code else "",
        category=_category(fact.resource),
        points=tuple(_point(one, resource, at, code) for one, resource, at in ordered),
    )


def _category(observation: Resource) -> str:
    codes = {str(one) for one in walk(observation, "category.coding.code")}
    return next((one for one in ("laboratory", "vital-signs", "survey") if one in codes), "other")


def _point(fact: Fact, resource: Resource, at: datetime, code: str) -> SeriesPoint:
    quantity = resource.get("valueQuantity") or {}
    number, comparator = _number(quantity), str(quantity.get("comparator", ""))
    low, high, usual = _range(resource, code, _unit(quantity))
    value = None if number is None or comparator else _turned(number, _unit(quantity), code)
    return SeriesPoint(
        at=at,
        told=value_of(resource),
        value=value,
        low=low,
        high=high,
        usual=usual,
        flag=_flag(resource, value, low, high),
        fact=fact,
    )


def _turned(number: Decimal, unit: str, to: str) -> Decimal | None:
    return number if unit == to else convert(number, unit, to)


def _range(resource: Resource, code: str, unit: str) -> tuple[Decimal | None, Decimal | None, str]:
    """The normal range in the unit `code`, and as the laboratory wrote it."""
    for one in resource.get("referenceRange", ()):
        kind = code_of(one, "type")
        if kind and kind not in _NORMAL_RANGE:
            continue
        low, high = (one.get(end) or {} for end in ("low", "high"))
        ends = [_end(end, code, unit) for end in (low, high)]
        said = str(one.get("text") or _ends(low.get("value"), high.get("value")))
        return ends[0], ends[1], said
    return None, None, ""


def _end(quantity: Mapping[str, Any], code: str, unit: str) -> Decimal | None:
    number = _number(quantity)
    return None if number is None else _turned(number, _unit(quantity) or unit, code)


def _ends(low: Any, high: Any) -> str:
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"up to {high}" if high is not None else f"from {low}" if low is not None else ""


def _flag(resource: Resource, value: Decimal | None, low: Decimal | None, high: Decimal | None) -> str:
    """What the laboratory called it; where it said nothing, by the range."""
    codes = {str(one).upper() for one in walk(resource, "interpretation.coding.code")}
    for word, known in (("critical", _CRITICAL), ("low", _LOW), ("high", _HIGH), ("abnormal", _ABNORMAL)):
        if codes & known:
            return word
    if codes or value is None:
        return ""
    if low is not None and value < low:
        return "low"
    return "high" if high is not None and value > high else ""
