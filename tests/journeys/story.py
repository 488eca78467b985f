"""Worked cases as stories: what arrives and when. The same story told in another order, twice, must end the same."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.journeys.practice import Practice, at

from careloop.flows import deadlines
from careloop.loops.store import StoredLoop

Happening = Callable[[], None]


@dataclass
class Story:
    """Things that arrive, each at its time; all of one practice."""

    practice: Practice
    arrivals: list[tuple[str, Happening]] = field(default_factory=list)

    def message(self, when: str, event: str, *, arrives: str | None = None, **more: Any) -> "Story":
        """An ADT event of `when` that arrives then, or later."""
        raw = self.practice.message(event, when, **more)
        self.arrivals.append((arrives or when, lambda: self.practice.send(raw)))
        return self

    def resource(self, when: str, resource: dict[str, Any]) -> "Story":
        """A resource that a FHIR client writes at `when`."""
        self.arrivals.append((when, lambda: self.practice.write(resource)))
        return self

    def tell(self, until: str) -> None:
        """In order, the clock moving from one arrival to the next, and on to `until`."""
        for when, happen in sorted(self.arrivals, key=lambda arrival: at(arrival[0])):
            self._sleep_until(when)
            happen()
        self._sleep_until(until)

    def tell_shuffled(self, until: str, seed: int) -> None:
        """Everything twice and in any order, all of it after the last moment."""
        happenings = [happen for _, happen in self.arrivals] * 2
        random.Random(seed).shuffle(happenings)
        self._sleep_until(until)
        for happen in happenings:
            happen()
        self._sleep_until(until)

    def _sleep_until(self, when: str) -> None:
        self.practice.app.clock.move_to(at(when))
        deadlines.run(self.practice.app, self.practice.tenant)


def told(loops: Sequence[StoredLoop]) -> list[Any]:
    """What two tellings of one story must have in common: everything but ids and owners."""
    return sorted(_loop(loop) for loop in loops)


def _loop(loop: StoredLoop) -> Any:
    state = loop.state
    steps = [
        (
            step.step_id,
            step.status.value,
            step.clock.value,
            step.due.isoformat(),
            step.rule_met or "",
            step.closure.reason if step.closure else "",
            len(step.evidence),
            len(step.attempts),
        )
        for step in state.steps
    ]
    return (
        state.pathway,
        state.opened.isoformat(),
        state.status.value,
        state.clock.value,
        state.deadline.isoformat(),
        state.tier.value,
        state.closure.reason if state.closure else "",
        state.board or "",
        sorted(steps),
    )
