"""From typed text to items. Pure and total: any text gives an `Entry`; what is not understood is a fault, no guess.

A command begins with `/word` at the start of a line, or after a blank where the word is known; it ends where the line
or another command begins. Everything else is the note. Nothing inside quotes is a command.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from careloop.engagement.capture.grammar import Grammar
from careloop.engagement.capture.model import Entry, Item, Measure, Taken, Value, Word, Wrong
from careloop.engagement.capture.reading import Found, Setting, read_part, read_reading

LONGEST = 4_000
"""Letters of one entry at most."""

_COMMAND = re.compile(r"/([A-Za-z][A-Za-z0-9-]*)(?=[\s:]|$)")
_QUOTE = re.compile(r"[\"“”]")
_BLANK = re.compile(r"[\s,;]*")
_NEXT = re.compile(r"\S+")


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A command of the text: its name, where it begins, where what follows it begins and ends."""

    name: str
    at: int
    start: int
    end: int


def parse(text: str, grammar: Grammar, *, today: date, people: Mapping[str, str] | None = None, me: str = "") -> Entry:
    """Everything that the text asks for. `people` are names in small letters with the reference of each; `me` is the
    reference of whoever types."""
    if len(text) > LONGEST:
        return Entry(
            text=text,
            note="",
            items=(),
            faults=[Wrong(at=LONGEST, what="", expected=f"at most {LONGEST} letters")],
        )
    setting = Setting(grammar=grammar, today=today, people=people or {}, me=me)
    pieces, faults = _pieces(text, grammar)
    unclosed = faults[0].at if faults else len(text)
    items: list[Item] = []
    for piece in (one for one in pieces if one.end <= unclosed):
        item, wrong = _item(text, piece, setting)
        faults += wrong
        items += [item] if item else []
    note = _rest(text, pieces)
    if not items and not faults and not note:
        faults = [Wrong(at=0, what="", expected="a note, or / and a word")]
    faults.sort(key=lambda one: one.at)
    return Entry(text=text, note=note, items=() if faults else tuple(items), faults=tuple(faults))


def _pieces(text: str, grammar: Grammar) -> tuple[list[_Piece], list[Wrong]]:
    pieces: list[_Piece] = []
    faults: list[Wrong] = []
    begin: tuple[str, int, int] | None = None

    def close(end: int) -> None:
        nonlocal begin
        if begin is not None:
            pieces.append(_Piece(name=begin[0], at=begin[1], start=begin[2], end=end))
            begin = None

    at, fresh = 0, True
    while at < len(text):
        letter = text[at]
        if begin is not None and _QUOTE.match(letter):
            shut = _QUOTE.search(text, at + 1)
            if shut is None:
                faults.append(Wrong(at=at, what=text[at : at + 20], expected="a second quote at the end of the words"))
                at = len(text)
                break
            at, fresh = shut.end(), False
            continue
        command = _COMMAND.match(text, at) if letter == "/" and (fresh or text[at - 1].isspace()) else None
        if command and (fresh or command[1].lower() in grammar.names):
            close(at)
            begin = (command[1].lower(), at, command.end())
            at, fresh = command.end(), False
            continue
        if letter == "\n":
            close(at)
            fresh = True
        elif not letter.isspace():
            fresh = False
        at += 1
    close(len(text))
    return pieces, faults


def _rest(text: str, pieces: Sequence[_Piece]) -> str:
    """The text without its commands."""
    kept, at = [], 0
    for piece in pieces:
        kept.append(text[at : piece.at])
        at = piece.end
    kept.append(text[at:])
    lines = [" ".join(line.split()) for line in "".join(kept).splitlines()]
    return "\n".join(line for line in lines if line)


def _item(text: str, piece: _Piece, setting: Setting) -> tuple[Item | None, list[Wrong]]:
    grammar = setting.grammar
    if word := grammar.words.get(piece.name):
        return _command(text, piece, word, setting)
    if measure := grammar.measures.get(piece.name):
        return _measured(text, piece, measure)
    near = get_close_matches(piece.name, grammar.names, n=1)
    expected = f"/{near[0]}" if near else "one of " + ", ".join(f"/{one.word}" for one in grammar.all)
    return None, [Wrong(at=piece.at, what=f"/{piece.name}", expected=expected)]


def _measured(text: str, piece: _Piece, measure: Measure) -> tuple[Item | None, list[Wrong]]:
    at = _skip(text, piece.start, piece.end)
    found = read_reading(text[: piece.end], at, measure)
    if isinstance(found, Wrong):
        return None, [found]
    left = _skip(text, found.end, piece.end)
    if left < piece.end:
        return None, [_strange(text, left, piece.end, "nothing more after the unit; a note stands on its own line")]
    values: dict[str, Value] = {"reading": found.value}
    return Item(word=measure.word, title=measure.title, writes="measure", opens="", at=piece.at, values=values), []


def _command(text: str, piece: _Piece, word: Word, setting: Setting) -> tuple[Item | None, list[Wrong]]:
    here, at, values = text[: piece.end], _skip(text, piece.start, piece.end), {}
    faults: list[Wrong] = []
    left = list(word.takes)
    while at < piece.end:
        taken, found = _first(here, at, left, setting)
        if taken is None or found is None:
            bare = next((one for one in left if one.bare), None)
            if bare is None or _QUOTE.search(here, at):
                expected = " or ".join(one.expected for one in left) or "nothing more"
                faults.append(_strange(here, at, piece.end, expected))
                break
            taken, found = bare, Found(value=here[at:].strip(), end=piece.end)
        if isinstance(found, Wrong):
            faults.append(found)
            break
        left.remove(taken)
        values[taken.name] = found.value
        at = _skip(here, found.end, piece.end)
    if not faults:
        faults += [Wrong(at=piece.end, what="", expected=one.expected) for one in left if one.needed][:1]
    item = Item(word=word.word, title=word.title, writes=word.writes, opens=word.opens, at=piece.at, values=values)
    return (None if faults else item), faults


def _first(here: str, at: int, left: Sequence[Taken], setting: Setting) -> tuple[Taken | None, Found | Wrong | None]:
    """The first part that can be read here, in the order of the content."""
    for taken in left:
        found = read_part(here, at, taken, setting)
        if found is not None:
            return taken, found
    return None, None


def _skip(text: str, at: int, end: int) -> int:
    found = _BLANK.match(text, at, end)
    return found.end() if found else at


def _strange(text: str, at: int, end: int, expected: str) -> Wrong:
    what = _NEXT.match(text, at, end)
    return Wrong(at=at, what=what[0] if what else "", expected=expected)
