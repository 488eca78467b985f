"""A FHIRPath text as tokens. Everything that cannot be read is `Rejected` with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from careloop.fhir.fhirpath.errors import wrong

LONGEST_EXPRESSION = 20_000
"""Characters. The longest invariant of R4 has 1,300."""

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n\r]*|/\*.*?\*/)
    | (?P<time>@T\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?(?![\d:]))
    | (?P<datetime>@\d{4}(?:-\d{2}(?:-\d{2})?)?T(?:\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:\d{2})?)?)
    | (?P<date>@\d{4}(?:-\d{2}(?:-\d{2})?)?)
    | (?P<long>\d{1,19}L)
    | (?P<number>\d{1,40}(?:\.\d{1,40})?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<special>\$(?:this|index|total))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}%])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression: its kind, its text (quotes and escapes taken away) and where it starts."""

    kind: str
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """The words of an expression, ending with one of kind `end`."""
    if len(text) > LONGEST_EXPRESSION:
        raise wrong(f"an expression of at most {LONGEST_EXPRESSION} characters")
    return [*_read(text), Token("end", "", len(text))]


def _read(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise wrong("a FHIRPath word or sign", position)
        kind = match.lastgroup or ""
        if kind != "space":
            yield Token(kind, _plain(kind, match[0]), position)
        position = match.end()


def _plain(kind: str, text: str) -> str:
    if kind in ("string", "quoted"):
        return unescape(text[1:-1])
    return text


def unescape(text: str) -> str:
    """`text` with `\\n`, `\\u002a` and the like as the characters that they stand for."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    word = match[1]
    if len(word) == 5:
        return chr(int(word[1:], 16))
    return _ESCAPED.get(word, word)
