"""Rules are made once, may contain themselves, and are whole for every thread that gets one."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from careloop.fhir.conformance.checking import Checker
from careloop.fhir.conformance.making import Made
from careloop.fhir.conformance.scope import Rule, Scope
from careloop.fhir.definitions import load

SCOPE = Scope(resource={}, root={})


def test_a_rule_that_contains_itself_is_made_once() -> None:
    asked: list[str] = []

    def make(name: str) -> Rule:
        asked.append(name)
        inner = made.of({"a": "b", "b": "a"}[name])
        return lambda value, scope: inner(value[1:], scope) if value else [(name, "error", "", "")]

    made = Made(make)
    assert made.of("a")("xx", SCOPE) == [("a", "error", "", "")]
    assert made.of("b")("x", SCOPE) == [("a", "error", "", "")]
    assert asked == ["a", "b"]


def test_threads_that_come_together_get_whole_rules() -> None:
    resource: dict[str, Any] = {"resourceType": "Patient", "telecom": [{"value": "5"}], "name": [{"family": "x"}]}
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
    for _ in range(5):
        checker, together = Checker(load()), Barrier(8)

        def ask(_: int, checker: Checker = checker, together: Barrier = together) -> list[str]:
            together.wait()
            return [one.at for one in checker.check(resource, [profile], invariants=True, terms=None)]

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, range(8)))
        assert all(one == answers[0] for one in answers)
        assert "Patient.telecom[0]" in answers[0]
