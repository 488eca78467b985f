"""When in a day a medicine is taken: `in the morning`, `at bedtime`, `at 8:00`. Best effort and pure.

Nothing is said where it could be read in two ways: more or fewer moments than times a day, or a "not" beside them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.medications.drugs import Words, phrase
from careloop.medications.model import Takes, Unknown


def moments_of(
    timing: Mapping[str, Any], texts: Sequence[str], takes: Takes | Unknown, words: Words
) -> tuple[str, ...]:
    """In the order of the table; of FHIR codes and times first, else of the first text that says any."""
    found = _coded(timing.get("repeat"), words)
    for text in texts:
        found = found or _said(phrase(text), words)
    counted = sum(counts for _, counts in found)
    fits = isinstance(takes, Takes) and takes.days == 1 and takes.low == takes.high == counted
    return tuple(says for says, counts in found if fits or not counts)


def _coded(repeat: Any, words: Words) -> list[tuple[str, bool]]:
    if not isinstance(repeat, Mapping):
        return []
    whens = repeat.get("when") if isinstance(repeat.get("when"), list) else []
    times = repeat.get("timeOfDay") if isinstance(repeat.get("timeOfDay"), list) else []
    clock = [(f"at {str(one)[:5].removeprefix('0')}", True) for one in times or ()]
    return [(one.says, one.counts) for one in words.moments if not one.codes.isdisjoint(map(str, whens or ()))] + clock


def _said(folded: str, words: Words) -> list[tuple[str, bool]]:
    rest = f" {folded} "
    if " not " in rest or " except " in rest:
        return []
    found = []
    for one in words.moments:
        if (word := next((each for each in one.words if f" {each} " in rest), None)) is not None:
            rest = rest.replace(f" {word} ", " . ")
            found.append((one.says, one.counts))
    return found
