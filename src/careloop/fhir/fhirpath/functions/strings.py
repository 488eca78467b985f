"""Strings. (FHIRPath 5.6)"""

import base64
import binascii
import html
import json

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions import patterns
from careloop.fhir.fhirpath.functions.registry import Family
from careloop.fhir.fhirpath.runtime import (
    LONGEST_STRING,
    NONE,
    Environment,
    Items,
    boolean,
    integer_of,
    system_value,
    text_of,
)

STRINGS = Family()


@STRINGS.eager("indexOf", least=1)
def index_of(focus: Items, environment: Environment, part: Items) -> Items:
    """Where the part is first found, from 0; -1 where it is not."""
    text, wanted = text_of(focus), text_of(part)
    return NONE if text is None or wanted is None else [text.find(wanted)]


@STRINGS.eager("lastIndexOf", least=1)
def last_index_of(focus: Items, environment: Environment, part: Items) -> Items:
    """Where the part is last found, from 0; -1 where it is not."""
    text, wanted = text_of(focus), text_of(part)
    return NONE if text is None or wanted is None else [text.rfind(wanted)]


@STRINGS.eager("substring", least=1, most=2)
def substring(focus: Items, environment: Environment, start: Items, length: Items | None = None) -> Items:
    """The text from a place on (so many characters); nothing for a place outside it."""
    text, place = text_of(focus), integer_of(start)
    if text is None or place is None or not 0 <= place < len(text):
        return NONE
    count = None if length is None else integer_of(length)
    return [text[place:] if count is None else text[place : place + max(0, count)]]


@STRINGS.eager("startsWith", least=1)
def starts_with(focus: Items, environment: Environment, part: Items) -> Items:
    """True where the text begins so."""
    text, wanted = text_of(focus), text_of(part)
    return NONE if text is None or wanted is None else boolean(text.startswith(wanted))


@STRINGS.eager("endsWith", least=1)
def ends_with(focus: Items, environment: Environment, part: Items) -> Items:
    """True where the text ends so."""
    text, wanted = text_of(focus), text_of(part)
    return NONE if text is None or wanted is None else boolean(text.endswith(wanted))


@STRINGS.eager("contains", least=1)
def contains(focus: Items, environment: Environment, part: Items) -> Items:
    """True where the part is in the text."""
    text, wanted = text_of(focus), text_of(part)
    return NONE if text is None or wanted is None else boolean(wanted in text)


@STRINGS.eager("upper")
def upper(focus: Items, environment: Environment) -> Items:
    """In capitals."""
    text = text_of(focus)
    return NONE if text is None else [text.upper()]


@STRINGS.eager("lower")
def lower(focus: Items, environment: Environment) -> Items:
    """In small letters."""
    text = text_of(focus)
    return NONE if text is None else [text.lower()]


@STRINGS.eager("length")
def length(focus: Items, environment: Environment) -> Items:
    """Characters."""
    text = text_of(focus)
    return NONE if text is None else [len(text)]


@STRINGS.eager("trim")
def trim(focus: Items, environment: Environment) -> Items:
    """Without white space at both ends."""
    text = text_of(focus)
    return NONE if text is None else [text.strip()]


@STRINGS.eager("toChars")
def to_chars(focus: Items, environment: Environment) -> Items:
    """The characters, each as a string."""
    text = text_of(focus)
    environment.spend(len(text or ""))
    return NONE if text is None else list(text)


@STRINGS.eager("split", least=1)
def split(focus: Items, environment: Environment, separator: Items) -> Items:
    """The parts between separators."""
    text, sign = text_of(focus), text_of(separator)
    if text is None or sign is None:
        return NONE
    environment.spend(len(text))
    return text.split(sign) if sign else list(text)


@STRINGS.eager("join", most=1)
def join(focus: Items, environment: Environment, separator: Items = NONE) -> Items:
    """The strings in one, with a separator between them."""
    texts = [text for text in (text_of([item]) for item in focus) if text is not None]
    if not texts:
        return NONE
    sign = text_of(separator) or ""
    environment.spend(len(texts))
    return [_short(sign.join(texts))]


@STRINGS.eager("replace", least=2)
def replace(focus: Items, environment: Environment, part: Items, other: Items) -> Items:
    """The text with every such part replaced; an empty part stands between all characters."""
    text, wanted, new = text_of(focus), text_of(part), text_of(other)
    if text is None or wanted is None or new is None:
        return NONE
    if (text.count(wanted) if wanted else len(text) + 1) * len(new) > LONGEST_STRING:
        raise wrong("a shorter string")
    return [text.replace(wanted, new)]


def _short(text: str) -> str:
    if len(text) > LONGEST_STRING:
        raise wrong("a shorter string")
    return text


@STRINGS.eager("matches", least=1, most=2)
def matches(focus: Items, environment: Environment, pattern: Items, flags: Items = NONE) -> Items:
    """True where the pattern is found anywhere in the text; `.` is any character, line ends too."""
    text, wanted = text_of(focus), text_of(pattern)
    if text is None or wanted is None:
        return NONE
    return boolean(patterns.found(wanted, text_of(flags) or "", text, whole=False))


@STRINGS.eager("matchesFull", least=1, most=2)
def matches_full(focus: Items, environment: Environment, pattern: Items, flags: Items = NONE) -> Items:
    """True where the pattern is the whole text."""
    text, wanted = text_of(focus), text_of(pattern)
    if text is None or wanted is None:
        return NONE
    return boolean(patterns.found(wanted, text_of(flags) or "", text, whole=True))


@STRINGS.eager("replaceMatches", least=2, most=3)
def replace_matches(focus: Items, environment: Environment, pattern: Items, other: Items, flags: Items = NONE) -> Items:
    """The text with every match replaced; `$1` and `${name}` stand for what a group matched."""
    text, wanted, new = text_of(focus), text_of(pattern), text_of(other)
    if text is None or wanted is None or new is None:
        return NONE
    if not wanted:
        return [text]
    return [_short(patterns.replaced(wanted, text_of(flags) or "", text, new))]


@STRINGS.eager("encode", least=1)
def encode(focus: Items, environment: Environment, form: Items) -> Items:
    """The text's bytes as `hex`, `base64` or `urlbase64`."""
    text, name = text_of(focus), text_of(form)
    if text is None or name is None:
        return NONE
    raw = text.encode()
    if name == "hex":
        return [raw.hex()]
    if name in ("base64", "urlbase64"):
        return [(base64.b64encode if name == "base64" else base64.urlsafe_b64encode)(raw).decode()]
    return NONE


@STRINGS.eager("decode", least=1)
def decode(focus: Items, environment: Environment, form: Items) -> Items:
    """The text whose bytes are given as `hex`, `base64` or `urlbase64`."""
    text, name = text_of(focus), text_of(form)
    if text is None or name is None:
        return NONE
    try:
        if name == "hex":
            return [bytes.fromhex(text).decode()]
        if name in ("base64", "urlbase64"):
            return [base64.b64decode(text, altchars=b"-_" if name == "urlbase64" else None, validate=True).decode()]
    except (ValueError, binascii.Error) as error:
        raise wrong(f"text encoded as {name}") from error
    return NONE


@STRINGS.eager("escape", least=1)
def escape(focus: Items, environment: Environment, form: Items) -> Items:
    """The text as it must stand in `html` or in a `json` string."""
    text, name = text_of(focus), text_of(form)
    if text is None or name not in ("html", "json"):
        return NONE
    return [html.escape(text)] if name == "html" else [json.dumps(text, ensure_ascii=False)[1:-1]]


@STRINGS.eager("unescape", least=1)
def unescape(focus: Items, environment: Environment, form: Items) -> Items:
    """The text that stands in `html` or in a `json` string."""
    text, name = text_of(focus), text_of(form)
    if text is None or name not in ("html", "json"):
        return NONE
    if name == "html":
        return [html.unescape(text)]
    try:
        return [str(json.loads(f'"{text}"'))]
    except ValueError:
        return [text.replace('\\"', '"').replace("\\\\", "\\")]


def has_text(focus: Items) -> bool:
    """True for a single item that is a string."""
    return len(focus) == 1 and isinstance(system_value(focus[0]), str)
