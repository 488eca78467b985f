"""Which changes a Subscription wanted. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from careloop.fhir.clauses import Clause
from careloop.subscriptions.model import EVERY_TYPE, Trigger, Version, Wanted


class Answers(Protocol):
    """One version of a resource that can say whether it satisfies criteria."""

    def satisfy(self, clauses: tuple[Clause, ...]) -> bool:
        """True where every clause holds."""


class Seen:
    """A change whose versions are looked into at most once, whoever asks."""

    def __init__(self, version: Version, look: Callable[[Mapping[str, Any]], Answers]) -> None:
        self.version = version
        self._look = look
        self._known: dict[str, Answers | None] = {}

    @property
    def current(self) -> Answers | None:
        """The resource after the change; None after a deletion."""
        return self._of("current", self.version.current)

    @property
    def previous(self) -> Answers | None:
        """The resource before the change; None where it was created."""
        return self._of("previous", self.version.previous)

    def _of(self, name: str, resource: Mapping[str, Any] | None) -> Answers | None:
        if name not in self._known:
            self._known[name] = None if resource is None else self._look(resource)
        return self._known[name]


def is_wanted(wanted: Wanted, seen: Seen) -> bool:
    """True where a trigger fires and every filter of the type lets it pass; a deleted resource is as it was."""
    if not any(fires(trigger, seen) for trigger in wanted.triggers):
        return False
    about = seen.current or seen.previous
    filters = [one for one in wanted.filters if one.resource_type == seen.version.resource_type]
    if wanted.filters and not filters and EVERY_TYPE in wanted.types:
        return False
    return all(about is not None and about.satisfy(one.clauses) for one in filters)


def fires(trigger: Trigger, seen: Seen) -> bool:
    """True where the change is of the kind and type, and its versions satisfy the trigger's criteria."""
    change = seen.version
    if change.change not in trigger.on or trigger.resource_type not in (change.resource_type, EVERY_TYPE):
        return False
    results = []
    if trigger.previous is not None:
        before = seen.previous
        results.append(trigger.on_create if before is None else before.satisfy(trigger.previous))
    if trigger.current is not None:
        after = seen.current
        results.append(trigger.on_delete if after is None else after.satisfy(trigger.current))
    if not results:
        return True
    return all(results) if trigger.both else any(results)
