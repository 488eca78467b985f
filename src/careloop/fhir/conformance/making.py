"""Rules that are made once, when first needed, and may contain themselves."""

from collections.abc import Callable
from threading import RLock
from typing import Any

from careloop.fhir.conformance.scope import Problems, Rule, Scope


class Made:
    """Rules by name. While a rule is being made, its name stands for a rule that will be there when it is called."""

    def __init__(self, make: Callable[[str], Rule]) -> None:
        self._make = make
        self._done: dict[str, Rule] = {}
        self._begun: dict[str, Rule] = {}
        self._lock = RLock()

    def of(self, name: str) -> Rule:
        """The rule of that name. Other threads wait until it, and all that it needs, is made."""
        known = self._done.get(name)
        if known is not None:
            return known
        with self._lock:
            return self._done.get(name) or self._begun.get(name) or self._new(name)

    def _new(self, name: str) -> Rule:
        outermost = not self._begun
        made: list[Rule] = []

        def later(value: Any, scope: Scope) -> Problems:
            return made[0](value, scope)

        self._begun[name] = later
        try:
            made.append(self._make(name))
            self._begun[name] = made[0]
            if outermost:
                self._done |= self._begun
        finally:
            if outermost:
                self._begun = {}
        return made[0]
