"""Regular expressions that cannot run away.

A pattern with at most one repetition without bound, and none within a repeated group, goes to Python's matcher, which
then takes at most the square of the text's length. Every other pattern is matched by an automaton.
"""

import re
from functools import lru_cache

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions.automaton import Automaton

LONGEST_PATTERN = 2_000
LONGEST_TEXT = 20_000
_LONGEST_TEXT_GUESSED = 2_000
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_CLASS_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPETITION = re.compile(r"(?P<open>[*+])|\{(?P<least>\d+),(?P<most>\d*)\}")
_MOST_ROUTES = 1_000
_LOOK_OR_BACK = re.compile(r"\(\?(?!:|P?<[A-Za-z_])|\\[1-9]|\(\?P=")


def found(pattern: str, flags: str, text: str, *, whole: bool) -> bool:
    """True where the pattern is the `whole` text, or anywhere in it."""
    matcher = _matcher(pattern, flags, len(text) <= _LONGEST_TEXT_GUESSED)
    if len(text) > LONGEST_TEXT:
        raise wrong(f"a text of at most {LONGEST_TEXT} characters to match")
    return bool(matcher.fullmatch(text) if whole else matcher.search(text))


def replaced(pattern: str, flags: str, text: str, new: str) -> str:
    """The text with matches replaced; `$1`, `${1}` and `${name}` in `new` stand for groups."""
    _check_size(pattern)
    if not is_simple(pattern) or len(text) > _LONGEST_TEXT_GUESSED:
        raise wrong("one repetition without bound at most, and a short text, to replace matches")
    template = re.sub(r"\\(?!\$)", r"\\\\", new).replace(r"\$", "\0")
    template = re.sub(r"\$\{(\w+)\}|\$(\d)", lambda match: rf"\g<{match[1] or match[2]}>", template)
    try:
        return _compiled(pattern, _options(flags)).sub(template.replace("\0", "$"), text)
    except (re.error, IndexError) as error:
        raise wrong("groups that the regular expression has") from error


@lru_cache(maxsize=256)
def _matcher(pattern: str, flags: str, is_short: bool) -> re.Pattern[str] | Automaton:
    _check_size(pattern)
    options = _options(flags)
    if is_short and is_simple(pattern):
        return _compiled(pattern, options)
    return Automaton(pattern, options)


def _check_size(pattern: str) -> None:
    if len(pattern) > LONGEST_PATTERN or _LOOK_OR_BACK.search(pattern):
        raise wrong("a short regular expression without look-around and references back")


def _options(flags: str) -> int:
    options = int(re.DOTALL)
    for flag in flags:
        if flag not in _FLAGS:
            raise wrong("the flags i, m or s")
        options |= _FLAGS[flag]
    return options


def _compiled(pattern: str, options: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, options)
    except (re.error, OverflowError, RecursionError) as error:
        raise wrong("a regular expression") from error


def is_simple(pattern: str) -> bool:
    """True where going back costs at most the square of the text: one wide repetition, and no group repeated."""
    bare = _CLASS_OR_ESCAPE.sub("x", pattern)
    wide, routes = 0, 1
    for one in _REPETITION.finditer(bare):
        spread = int(one["most"][:9]) - int(one["least"][:9]) + 1 if one["most"] else _MOST_ROUTES
        if spread >= _MOST_ROUTES:
            wide += 1
        else:
            routes *= max(spread, 1)
    return wide <= 1 and routes <= _MOST_ROUTES and not re.search(r"\)(?:[*+]|\{)", bare)
