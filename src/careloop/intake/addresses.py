"""Where something stands in a group of segments (`PID-5`, `OBX-5.2`), and conditions on what stands there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from careloop.intake.hl7v2 import Segment, Value

Segments = Mapping[str, Sequence[Segment]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Test:
    """One condition: a field holds one of `codes` (or none of them), holds something, or holds nothing. The code `""`
    stands for an empty field."""

    address: str
    codes: frozenset[str] | None = None
    wanted: bool = True
    repeated: bool = False

    def holds(self, segments: Segments) -> bool:
        """True when the segments are so."""
        values = values_at(self.address, segments)
        if self.repeated:
            return len(values) > 1
        if self.codes is None:
            return any(value.raw not in ("", '""') for value in values) is self.wanted
        if not values:
            return ("" in self.codes) is self.wanted
        return any(value.component(1).strip().upper() in self.codes for value in values) is self.wanted


def values_at(address: str, segments: Segments, *, every: bool = False) -> list[Value]:
    """What stands at an address: the repetitions of a field, or a part of each; of every such segment, or the first."""
    name, number, component = _place(address)
    found = segments.get(name, ())
    if not found or not number:
        return []
    values = [value for segment in found for value in segment.values(number)] if every else found[0].values(number)
    if not component:
        return values
    parts = (value.part(component) for value in values)
    return [part for part in parts if part.raw]


def views_of(address: str, segments: Segments) -> list[Segments]:
    """The segments, once for each segment that the address names, with that one alone in its place: so that what stands
    beside a value is of the same segment."""
    name = _place(address)[0]
    found = segments.get(name, ())
    return [segments] if len(found) < 2 else [{**segments, name: [segment]} for segment in found]


@cache
def _place(address: str) -> tuple[str, int, int]:
    """`PID-5.1` as its segment, field and component; 0 for what is not named."""
    name, _, rest = address.partition("-")
    number, _, component = rest.partition(".")
    return name, int(number or 0), int(component or 0)


def tests_of(conditions: Sequence[Mapping[str, Any]]) -> tuple[Test, ...]:
    """Conditions as they stand in content, ready to ask."""
    return tuple(_test(one) for one in conditions)


def _test(one: Mapping[str, Any]) -> Test:
    if "filled" in one:
        return Test(address=one["filled"])
    if "repeated" in one:
        return Test(address=one["repeated"], repeated=True)
    if "empty" in one:
        return Test(address=one["empty"], wanted=False)
    codes = frozenset(str(code).upper() for code in one.get("in", one.get("not-in", ())))
    return Test(address=one["from"], codes=codes, wanted="in" in one)
