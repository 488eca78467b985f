"""Work above and below a licence: what could be delegated, and what somebody did who may not. Pure.

A step asks for a role; who did it has roles of their own. Below a licence: who did it is licensed for more than it
asks. Above: for less (features row 73; the levels are content/competencies).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BELOW, ABOVE = "below", "above"


@dataclass(frozen=True, kw_only=True)
class Done:
    """So many steps of one kind, done by somebody with these roles. `minutes` of one such step."""

    pathway: str
    step_id: str
    asked: str
    roles: frozenset[str]
    steps: int
    minutes: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """Work of one kind, done by one role that is licensed for more or less than it asks for."""

    way: str
    pathway: str
    step_id: str
    asked: str
    done_by: str
    steps: int
    minutes: int


@dataclass(frozen=True, kw_only=True)
class Use:
    """Steps in all, those at their licence, and the lines, most minutes first."""

    steps: int
    fitting: int
    lines: Sequence[Line]

    def minutes(self, way: str) -> int:
        """Minutes of the lines of this kind."""
        return sum(line.minutes for line in self.lines if line.way == way)


def use_of(done: Iterable[Done], levels: Mapping[str, int]) -> Use:
    """What of this work was above or below the licence of who did it. Roles without a level are left out."""
    found: dict[tuple[str, str, str, str, str], tuple[int, int]] = {}
    total = fitting = 0
    for one in done:
        known = [role for role in one.roles if role in levels]
        if not known or one.asked not in levels:
            continue
        total += one.steps
        did = max(known, key=lambda role: (levels[role], role))
        if levels[did] == levels[one.asked]:
            fitting += one.steps
            continue
        way = BELOW if levels[did] > levels[one.asked] else ABOVE
        key = (way, one.pathway, one.step_id, one.asked, did)
        steps, minutes = found.get(key, (0, 0))
        found[key] = (steps + one.steps, minutes + one.steps * one.minutes)
    lines = [
        Line(way=way, pathway=pathway, step_id=step, asked=asked, done_by=did, steps=steps, minutes=minutes)
        for (way, pathway, step, asked, did), (steps, minutes) in found.items()
    ]
    lines.sort(key=lambda line: (-line.minutes, line.pathway, line.step_id, line.done_by))
    return Use(steps=total, fitting=fitting, lines=lines)
