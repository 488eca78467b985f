"""Regular expressions of value sets, matched in linear time: a value set is written by a stranger, and an expression
that makes a backtracking engine run for hours must cost no more than any other.

Known: literals, `.`, classes, escapes, groups, `|`, `* + ? {n,m}`, `^` and `$` at the ends. The whole text must match.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from careloop.errors import Rejected

MAX_LENGTH = 500
MAX_STATES = 2000

Test = Callable[[str], bool]

_CLASSES: dict[str, Test] = {
    "d": str.isdecimal,
    "D": lambda letter: not letter.isdecimal(),
    "w": lambda letter: letter.isalnum() or letter == "_",
    "W": lambda letter: not (letter.isalnum() or letter == "_"),
    "s": str.isspace,
    "S": lambda letter: not letter.isspace(),
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass
class _State:
    """Takes one letter that passes `test` to `to`, or none at all where there is no test."""

    test: Test | None = None
    to: list[int] = field(default_factory=list)


Build = Callable[[int], int]
"""Given the state that follows, makes the states of a part and says where it begins."""


class Pattern:
    """One compiled expression. Safe to share."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise _too_costly()
        self._text = text.removeprefix("^").removesuffix("$") if not text.endswith("\\$") else text.removeprefix("^")
        self._at = 0
        self._states: list[_State] = [_State()]
        self._steps = 0
        build = self._alternatives()
        if self._at < len(self._text):
            raise self._fault("an expression without an unmatched )")
        self._start = build(0)

    def matches(self, text: str) -> bool:
        """True where the whole text fits."""
        current = self._closed([self._start])
        for letter in text:
            found = [to for one in current for to in self._after(one, letter)]
            current = self._closed(found)
            if not current:
                return False
        return 0 in current

    def _after(self, place: int, letter: str) -> list[int]:
        state = self._states[place]
        return state.to if state.test is not None and state.test(letter) else []

    def _closed(self, places: list[int]) -> set[int]:
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                if self._states[one].test is None:
                    waiting += self._states[one].to
        return found

    def _add(self, test: Test | None, to: list[int]) -> int:
        if len(self._states) >= MAX_STATES:
            raise _too_costly()
        self._states.append(_State(test, to))
        return len(self._states) - 1

    def _fault(self, expected: str) -> Rejected:
        return Rejected(at=f"filter.value: letter {self._at + 1}", expected=expected, code="value")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        letter = self._peek()
        if not letter:
            raise self._fault("more of a regular expression")
        self._at += 1
        return letter

    def _alternatives(self) -> Build:
        ways = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            ways.append(self._sequence())
        if len(ways) == 1:
            return ways[0]
        return lambda following: self._add(None, [way(following) for way in ways])

    def _sequence(self) -> Build:
        parts: list[Build] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))

        def build(following: int) -> int:
            for part in reversed(parts):
                following = part(following)
            return following

        return build

    def _repeated(self, part: Build) -> Build:
        while (bounds := self._bounds()) is not None:
            part = self._times(part, *bounds)
        return part

    def _bounds(self) -> tuple[int, int | None] | None:
        plain: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if (found := plain.get(self._peek())) is not None:
            self._at += 1
            return found
        if self._peek() != "{":
            return None
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : end].partition(",")
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()) or len(low + high) > 8:
            raise self._fault("{n}, {n,} or {n,m}")
        self._at = end + 1
        return int(low), int(high) if high else None if comma else int(low)

    def _times(self, part: Build, low: int, high: int | None) -> Build:
        if max(low, high or 0) > MAX_STATES:
            raise _too_costly()

        def build(following: int) -> int:
            if high is None:
                loop = self._add(None, [following])
                self._states[loop].to.append(part(loop))
                start = loop
            else:
                start = following
                for _ in self._counted(high - low):
                    start = self._add(None, [part(start), following])
            for _ in self._counted(low):
                start = part(start)
            return start

        return build

    def _counted(self, times: int) -> range:
        """So many copies; those of nothing at all add up too."""
        self._steps += times
        if self._steps > MAX_STATES:
            raise _too_costly()
        return range(times)

    def _atom(self) -> Build:
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter == "[":
            return self._letter(self._class())
        if letter == ".":
            return self._letter(lambda one: one != "\n")
        if letter == "\\":
            return self._letter(self._escape())
        if letter in "*+?{)":
            raise self._fault("something to repeat")
        return self._letter(letter.__eq__)

    def _letter(self, test: Test) -> Build:
        return lambda following: self._add(test, [following])

    def _group(self) -> Build:
        if self._text.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise self._fault("a group without look-around or names")
        inner = self._alternatives()
        if self._peek() != ")":
            raise self._fault("a ) for each (")
        self._at += 1
        return inner

    def _escape(self) -> Test:
        letter = self._take()
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter.isalnum() and letter not in _CONTROLS:
            raise self._fault("an escape such as \\d, \\w, \\s or of a sign")
        return _CONTROLS.get(letter, letter).__eq__

    def _class(self) -> Test:
        inverted = self._peek() == "^"
        self._at += inverted
        tests: list[Test] = []
        first = True
        while self._peek() != "]" or first:
            tests.append(self._range())
            first = False
        self._at += 1
        return lambda letter: any(test(letter) for test in tests) is not inverted

    def _range(self) -> Test:
        letter = self._take()
        if letter == "\\":
            return self._escape()
        if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
            self._at += 1
            last = self._take()
            last = self._take() if last == "\\" else last
            return lambda one: letter <= one <= last
        return letter.__eq__


def _too_costly() -> Rejected:
    return Rejected(at="filter.value", expected="a shorter regular expression", code="too-costly")


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The compiled expression; `Rejected` says where it cannot be read."""
    return Pattern(text)
