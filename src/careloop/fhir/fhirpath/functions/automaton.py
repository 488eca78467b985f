"""Regular expressions as automata: the time to match grows with the text and the pattern, never with guesses.

Covers what FHIR's invariants use: classes, escapes, groups, alternatives, `* + ? {n,m}`, `^` and `$`. Greedy or lazy
makes no difference to whether something matches.
"""

import re
from functools import lru_cache

from careloop.fhir.fhirpath.errors import wrong

MOST_STATES = 4_000
MOST_STEPS = 5_000_000
_MOST_REMEMBERED = 2_000
_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")
_GROUP = re.compile(r"\(\?(?::|P?<[A-Za-z_]\w*>)")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", re.DOTALL)

START, END = "^", "$"


class Automaton:
    """A pattern as states: each has an atom that matches one character (or an anchor, or nothing) and what follows."""

    def __init__(self, pattern: str, options: int = re.DOTALL) -> None:
        self._pattern, self._place, self._options = pattern, 0, options
        self._atoms: list[str | None] = []
        self._next: list[list[int]] = []
        self._depth = 0
        self._seen: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._final = self._state()
        self._start = self._alternatives(self._final)
        if self._place < len(pattern):
            raise wrong("a regular expression with its brackets closed")

    def search(self, text: str) -> bool:
        """True where the pattern is found anywhere in the text."""
        return self._run(text, anywhere=True)

    def fullmatch(self, text: str) -> bool:
        """True where the pattern is the whole text."""
        return self._run(text, anywhere=False)

    def _run(self, text: str, *, anywhere: bool) -> bool:
        if len(text) * len(self._atoms) > MOST_STEPS:
            raise wrong("a shorter text to match")
        here = frozenset([self._start])
        for place, character in enumerate(text):
            open_states = self._closed(here, at_start=place == 0, at_end=False)
            if anywhere and self._final in open_states:
                return True
            here = self._after(open_states, character)
            if anywhere:
                here |= {self._start}
        return self._final in self._closed(here, at_start=not text, at_end=True)

    def _closed(self, states: frozenset[int], *, at_start: bool, at_end: bool) -> frozenset[int]:
        """The states, and all that are reached from them without a character."""
        found, waiting = set(states), list(states)
        while waiting:
            state = waiting.pop()
            atom = self._atoms[state]
            if atom is None or (atom == START and at_start) or (atom == END and at_end):
                fresh = [one for one in self._next[state] if one not in found]
                found.update(fresh)
                waiting += fresh
        return frozenset(found)

    def _after(self, states: frozenset[int], character: str) -> frozenset[int]:
        mark = (states, character)
        found = self._seen.get(mark)
        if found is None:
            found = frozenset(
                following
                for state in states
                if (atom := self._atoms[state]) is not None and self._accepts(atom, character)
                for following in self._next[state]
            )
            if len(self._seen) < _MOST_REMEMBERED:
                self._seen[mark] = found
        return found

    def _accepts(self, atom: str, character: str) -> bool:
        if atom in (START, END):
            return False
        return _atom(atom, self._options).fullmatch(character) is not None

    def _state(self, atom: str | None = None, *following: int) -> int:
        if len(self._atoms) >= MOST_STATES:
            raise wrong("a smaller regular expression")
        self._atoms.append(atom)
        self._next.append(list(following))
        return len(self._atoms) - 1

    def _peek(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _alternatives(self, end: int) -> int:
        """The state at which one of several alternatives begins, each going on to `end`."""
        self._depth += 1
        if self._depth > 50:
            raise wrong("fewer brackets within each other")
        starts = [self._sequence(end)]
        while self._peek() == "|":
            self._place += 1
            starts.append(self._sequence(end))
        self._depth -= 1
        return starts[0] if len(starts) == 1 else self._state(None, *starts)

    def _sequence(self, end: int) -> int:
        parts: list[tuple[int, int, int | None]] = []
        while self._peek() not in ("", "|", ")"):
            start = self._place
            self._skip_atom()
            least, most = self._count()
            parts.append((start, least, most))
        after = self._place
        for start, least, most in reversed(parts):
            end = self._repeated(start, least, most, end)
        self._place = after
        return end

    def _repeated(self, start: int, least: int, most: int | None, end: int) -> int:
        """The state at which an atom begins that stands `least` to `most` times before `end`."""
        if most is None:
            loop = self._state(None, end)
            self._next[loop].append(self._built(start, loop))
            end = loop
        else:
            last = end
            for _ in range(most - least):
                end = self._state(None, last, self._built(start, end))
        for _ in range(least):
            end = self._built(start, end)
        return end

    def _built(self, start: int, end: int) -> int:
        """One more copy of the atom that is written at `start`."""
        self._place = start
        sign = self._peek()
        if sign == "(":
            group = _GROUP.match(self._pattern, self._place)
            self._place = group.end() if group else self._place + 1
            return self._alternatives(end)
        return self._state(self._pattern[start : self._atom_end(start)], end)

    def _atom_end(self, start: int) -> int:
        sign = self._pattern[start]
        if sign == "\\":
            return start + (6 if self._pattern[start + 1 : start + 2] == "u" else 2)
        if sign == "[":
            match = _CLASS.match(self._pattern, start)
            if match is None:
                raise wrong("a regular expression with its brackets closed")
            return match.end()
        return start + 1

    def _skip_atom(self) -> None:
        sign = self._peek()
        if sign in ("*", "+", "?"):
            raise wrong("something to repeat in a regular expression")
        if sign != "(":
            self._place = self._atom_end(self._place)
            return
        group = _GROUP.match(self._pattern, self._place)
        if group is None and self._pattern[self._place + 1 : self._place + 2] == "?":
            raise wrong("a regular expression without look-around")
        self._place = group.end() if group else self._place + 1
        self._skip_group()

    def _skip_group(self) -> None:
        while self._peek() != ")":
            if self._peek() == "":
                raise wrong("a regular expression with its brackets closed")
            if self._peek() in ("|", "*", "+", "?", "{"):
                self._place += 1
            else:
                self._skip_atom()
        self._place += 1

    def _count(self) -> tuple[int, int | None]:
        """How often the atom before stands; None for no upper bound."""
        sign = self._peek()
        found: tuple[int, int | None] = (1, 1)
        if sign in ("*", "+", "?") and sign:
            self._place += 1
            found = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        elif (match := _COUNT.match(self._pattern, self._place)) is not None:
            self._place = match.end()
            least = int(match[1])
            found = (least, least if match[2] is None else (int(match[3]) if match[3] else None))
        if found != (1, 1) and self._peek() == "?":
            self._place += 1
        return found


@lru_cache(maxsize=2048)
def _atom(text: str, options: int) -> re.Pattern[str]:
    if text[0] == "\\" and text[1:2] in set("123456789bBAZzGpPkQE"):
        raise wrong("a regular expression of characters, classes, groups and repetitions")
    try:
        return re.compile(text, options)
    except (re.error, OverflowError) as error:
        raise wrong("a regular expression") from error
