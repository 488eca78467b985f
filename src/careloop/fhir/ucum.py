"""UCUM: units of measure as a language. What a unit is in base units, exactly, and whether a text is a unit at all.

The grammar is that of UCUM 2.2 section 2 (case-sensitive codes): prefixes, exponents, `.`, `/`, brackets, annotations
in braces. What each unit is worth is content (`content/ucum/units.yaml`). Numbers are fractions until the very end, so
a conversion there and back gives what was put in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from careloop.errors import Fault, Rejected

SYSTEM = "http://unitsofmeasure.org"

MAX_LENGTH = 200
"""Longer texts are no unit that anybody measures in."""

DIGITS = 40
"""Significant digits of a result that has no end, such as a third."""

_MAX_EXPONENT = 999
_MAX_SIZE = 300
"""Powers of ten beyond which a number is not converted: a comparison in double precision ends there."""

_EXACT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
_SYMBOL = re.compile(r"((?:10[*^]|(?:\[[^\[\]]*\]|[^\[\]{}()./+\-0-9\s])+))([+-]?\d{1,3})?", re.ASCII)
_ANNOTATION = re.compile(r"\{[\x20-\x7a|~]*\}", re.ASCII)
"""With spaces, and also behind a bracket: UCUM's grammar has neither, FHIR's list of common units has both."""

_NUMBER = re.compile(r"\d{1,30}", re.ASCII)

Dimension = tuple[tuple[str, int], ...]
"""Base units with their exponents, by name; those with exponent 0 are left out."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What one of a unit is: `factor` times base units to their powers; with `plus`, a zero of its own."""

    factor: Fraction
    dimension: Dimension
    plus: Fraction = Fraction(0)

    @property
    def code(self) -> str:
        """The canonical code of the dimension: `g.m-3`, `1` where there is none."""
        return ".".join(name if power == 1 else f"{name}{power}" for name, power in self.dimension) or "1"

    def times(self, other: "Unit", power: int) -> "Unit":
        """This unit by the other to a power. A unit with a zero of its own stands alone: no product has one."""
        if self.plus or other.plus:
            raise _fault("a unit with a zero of its own only by itself")
        powers = dict(self.dimension)
        for name, one in other.dimension:
            powers[name] = powers.get(name, 0) + one * power
        if abs(power) > 99 and other.factor != 1 and other != _TEN:
            raise _fault("a smaller exponent")
        dimension = tuple(sorted((name, one) for name, one in powers.items() if one))
        return Unit(self.factor * other.factor**power, dimension)


_ONE = Unit(Fraction(1), ())
_TEN = Unit(Fraction(10), ())


class Units:
    """The table of units, each worked out when it is first asked for."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table
        self._metric = frozenset((*table["metric"], *table["base"]))
        self._prefixes = {name: Fraction(value) for name, value in table["prefixes"].items()}
        self._alone = frozenset((*table["base"], *table["alone"]))
        self._known: dict[str, Unit | None] = {}

    @property
    def codes(self) -> frozenset[str]:
        """Every unit of the table, without prefixes."""
        return frozenset((*self._alone, *self._table["shifted"], *self._table["units"]))

    def atom(self, symbol: str) -> Unit:
        """One unit, with or without a prefix; `Rejected` for a text that is none."""
        found = self._unit(symbol)
        if found is not None:
            return found
        for length in (2, 1):
            prefix, rest = symbol[:length], symbol[length:]
            if prefix in self._prefixes and rest in self._metric and (unit := self._unit(rest)) is not None:
                plus = unit.plus / self._prefixes[prefix]
                return Unit(unit.factor * self._prefixes[prefix], unit.dimension, plus)
        raise _fault("a UCUM unit")

    def _unit(self, symbol: str) -> Unit | None:
        if symbol not in self._known:
            self._known[symbol] = self._worked_out(symbol)
        return self._known[symbol]

    def _worked_out(self, symbol: str) -> Unit | None:
        if symbol in self._alone:
            return Unit(Fraction(1), ((symbol, 1),))
        if (shifted := self._table["shifted"].get(symbol)) is not None:
            unit = self._stated(shifted["times"])
            return Unit(unit.factor, unit.dimension, Fraction(shifted["plus"]))
        stated = self._table["units"].get(symbol)
        return None if stated is None else self._stated(stated)

    def _stated(self, words: str) -> Unit:
        number, _, unit = words.partition(" ")
        return Unit(Fraction(number), ()).times(_Reader(unit, self).whole(), 1)


class _Reader:
    """Reads one unit term from left to right."""

    def __init__(self, text: str, units: Units) -> None:
        self._text = text
        self._units = units
        self._at = 0

    def whole(self) -> Unit:
        """The unit that the whole text means."""
        found = self._term()
        if self._at < len(self._text):
            raise _fault("a unit that ends here")
        return found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _term(self) -> Unit:
        found, power = _ONE, 1
        if self._peek() == "/":
            self._at, power = self._at + 1, -1
            found = found.times(self._component(), power)
        else:
            found = self._component()
        while self._peek() in (".", "/") and self._peek():
            power = 1 if self._peek() == "." else -1
            self._at += 1
            found = found.times(self._component(), power)
        return found

    def _component(self) -> Unit:
        if self._peek() == "(":
            self._at += 1
            found = self._term()
            if self._peek() != ")":
                raise _fault("a ) for each (")
            self._at += 1
            self._annotation()
            return found
        annotated = self._annotation()
        if annotated:
            return _ONE
        found = self._simple()
        self._annotation()
        return found

    def _annotation(self) -> bool:
        match = _ANNOTATION.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match is not None

    def _simple(self) -> Unit:
        symbol = _SYMBOL.match(self._text, self._at)
        if symbol is not None:
            self._at = symbol.end()
            unit, power = self._units.atom(symbol[1]), int(symbol[2] or 1)
            return unit if power == 1 else _ONE.times(unit, power)
        number = _NUMBER.match(self._text, self._at)
        if number is None:
            raise _fault("a unit or a number")
        self._at = number.end()
        return Unit(Fraction(number[0]), ())


def _fault(expected: str) -> Rejected:
    return Rejected(at="unit", expected=expected, code="value")


@cache
def load() -> Units:
    """The units that ship with the product, read once a process when the first of them is asked for."""
    text = files("careloop").joinpath("content", "ucum", "units.yaml").read_text(encoding="utf-8")
    return Units(MappingProxyType(yaml.load(text, Loader=yaml.CSafeLoader)))


@lru_cache(maxsize=4096)
def unit_of(code: str) -> Unit | None:
    """What a UCUM code means; None where it is none. Cached: units repeat."""
    if not code or len(code) > MAX_LENGTH:
        return None
    try:
        return _Reader(code, load()).whole()
    except (Rejected, ZeroDivisionError):
        return None


def is_valid(code: str) -> bool:
    """True for a UCUM code."""
    return unit_of(code) is not None


@lru_cache(maxsize=4096)
def _scale(code: str) -> tuple[Decimal, Decimal, Decimal, str] | None:
    """`(plus, numerator, denominator, canonical code)` of a unit; None for one that is none or beyond all measure."""
    unit = unit_of(code)
    if unit is None:
        return None
    above, below = Decimal(unit.factor.numerator), Decimal(unit.factor.denominator)
    if max(above.adjusted(), below.adjusted()) > _MAX_SIZE:
        return None
    plus = _EXACT.divide(Decimal(unit.plus.numerator), Decimal(unit.plus.denominator))
    return plus, above, below, unit.code


def canonical(value: Decimal, code: str) -> tuple[Decimal, str] | None:
    """The value in base units and their code: 185 `[lb_av]` is 83914.58845 `g`. None for a code that is no UCUM unit
    and for a number beyond all measure. Exact where the result has at most 40 digits."""
    scale = _scale(code)
    if scale is None or not value.is_finite() or abs(value.adjusted()) > _MAX_SIZE:
        return None
    plus, above, below, name = scale
    number = value if not plus else _EXACT.add(value, plus)
    return _EXACT.divide(_EXACT.multiply(number, above), below), name


def convert(value: Decimal, code: str, to: str) -> Decimal | None:
    """The value in another unit; None where one of the two is no unit or they do not measure the same."""
    first, second = unit_of(code), unit_of(to)
    if first is None or second is None or first.dimension != second.dimension:
        return None
    if not value.is_finite() or abs(value.adjusted()) > _MAX_SIZE:
        return None
    number = (Fraction(value) + first.plus) * first.factor / second.factor - second.plus
    return _EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))


def check() -> list[Fault]:
    """Everything wrong in the table: units made of what is none. For `careloop content check` and the tests."""
    units = load()
    found = []
    for code in sorted(units.codes):
        try:
            units.atom(code)
        except (Rejected, ValueError, ZeroDivisionError):
            found.append(Fault(at=f"content/ucum/units.yaml: {code}", expected="a number and a unit of this file"))
    return found
