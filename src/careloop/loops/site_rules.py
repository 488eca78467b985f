"""What a practice may change in a rule that ships: clocks, owners, escalations, weights and texts; never the proof.

ui.md §4.3: a site can change the clocks, not remove the proof. A clock that payer or law set (`outside_clocks` of the
order of work) may only be made shorter, and a step that calls somebody when it is late goes on calling somebody.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from careloop.errors import Fault
from careloop.loops.pathways import parse_span
from careloop.loops.rules.calendar import Calendar, after

Document = Mapping[str, Any]

RULE = "ui.md 4.3"
_FREE = frozenset({"version", "status", "title", "line", "patient_says", "sources", "reviewed"})
_FREE_OF_STEP = frozenset({"title", "owner", "escalate"})
_SPANS = ("within", "by_tier", "otherwise", "target", "after_expected_result", "expected_when_unknown")
_SAYS = frozenset({"says"})
_WEIGHTS = frozenset({"version", "status", "title", "sources", "reviewed", "now_from", "points"})
_TRIED = [datetime(2026, 1, 5, 15, tzinfo=UTC) + timedelta(days=day, hours=7 * (day % 3)) for day in range(0, 364, 3)]
"""Moments all over a year: of two clocks the shorter one is due first from each of them."""


def site_faults(
    kind: str, base: Document, draft: Document, outside: Sequence[str], calendar: Calendar, *, safety: bool = False
) -> list[Fault]:
    """What in the draft is not for a practice to change, each with its rule. `base` is what ships, `outside` names the
    steps of this pathway whose clocks were set from outside; in a pathway of safety nobody is taken off the ladder."""
    if kind == "worklist":
        return [
            Fault(at=name, expected=f"as it ships; a practice changes points only ({RULE})", code="business-rule")
            for name in sorted(base.keys() | draft.keys())
            if name not in _WEIGHTS and base.get(name) != draft.get(name)
        ]
    return [*_of_pathway(base, draft, frozenset(outside), calendar), *(_fewer(base, draft) if safety else ())]


def _fewer(base: Document, draft: Document) -> Iterator[Fault]:
    now = {step["id"]: len(step.get("escalate", ())) for step in draft["steps"]}
    for step in base["steps"]:
        ships = len(step.get("escalate", ()))
        if 0 < now.get(step["id"], 0) < ships:
            expected = f"at least {ships} who are called: this is a matter of safety (engine.md 1.5)"
            yield Fault(at=f"steps.{step['id']}.escalate", expected=expected, code="business-rule")


def _of_pathway(base: Document, draft: Document, outside: frozenset[str], calendar: Calendar) -> Iterator[Fault]:
    for name in sorted((base.keys() | draft.keys()) - _FREE - {"steps", "window", "opens_when"}):
        if base.get(name) != draft.get(name):
            yield _fault(name, "as it ships: what ends and shows a loop is not for a practice to change")
    if _without(base["opens_when"], _SAYS) != _without(draft["opens_when"], _SAYS):
        yield _fault("opens_when", "as it ships: a practice does not choose for whom a loop opens")
    if _without(base["window"], {"within"}) != _without(draft["window"], {"within"}):
        yield _fault("window", f"its rule {base['window']['rule']} as it ships")
    after_change = {step["id"]: step for step in draft["steps"]}
    for step in base["steps"]:
        changed = after_change.get(step["id"])
        if changed is None:
            yield _fault(f"steps.{step['id']}", f"this step: its proof is needed ({step['due']['rule']})")
        else:
            yield from _of_step(step, changed, step["id"] in outside, calendar)


def _of_step(base: Document, draft: Document, outside: bool, calendar: Calendar) -> Iterator[Fault]:
    at, rule = f"steps.{base['id']}", base["due"]["rule"]
    for name in sorted((base.keys() | draft.keys()) - _FREE_OF_STEP - {"due", "attempts"}):
        if base.get(name) != draft.get(name):
            yield _fault(f"{at}.{name}", f"the proof as it ships ({rule})")
    if _without(base.get("attempts", {}), _SAYS) != _without(draft.get("attempts", {}), _SAYS):
        yield _fault(f"{at}.attempts", f"what counts as a try as it ships ({base['attempts']['rule']})")
    if _shape(base["due"]) != _shape(draft["due"]):
        yield _fault(f"{at}.due", f"the same kind of clock, with another length if you like ({rule})")
    elif outside:
        yield from _longer(f"{at}.due", base["due"], draft["due"], rule, calendar)
    if base.get("escalate") and not draft.get("escalate"):
        yield _fault(f"{at}.escalate", "somebody who is called when it is late (engine.md 1.5)")


def _shape(due: Document) -> dict[str, Any]:
    """A clock without its lengths."""
    found = {name: value for name, value in due.items() if name not in _SPANS or isinstance(value, Mapping)}
    lengths = {
        name: sorted(value) if isinstance(value, Mapping) else "" for name, value in due.items() if name in _SPANS
    }
    return {**found, **lengths, "target": ""}


def _longer(at: str, base: Document, draft: Document, rule: str, calendar: Calendar) -> Iterator[Fault]:
    changed = dict(_lengths(draft))
    for name, length in _lengths(base):
        if name != "target" and name in changed and _is_longer(changed[name], length, calendar):
            expected = f"at most {length}: this clock is set from outside ({rule})"
            yield Fault(at=f"{at}.{name}", expected=expected, code="business-rule")


def _lengths(due: Document) -> Iterator[tuple[str, str]]:
    for name in _SPANS:
        value = due.get(name)
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", str(length)) for key, length in value.items())
        elif value is not None:
            yield name, str(value)


def _is_longer(draft: str, base: str, calendar: Calendar) -> bool:
    one, other = parse_span(draft), parse_span(base)
    return any(after(at, one, "UTC", calendar).due > after(at, other, "UTC", calendar).due for at in _TRIED)


def _without(document: Document, names: Any) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def _fault(at: str, expected: str) -> Fault:
    return Fault(at=at, expected=f"{expected} ({RULE})", code="business-rule")
