"""The R4 primitive types: what each may hold in JSON, and the words for it.

Patterns are those of R4 4.0.1 (datatypes page), tightened where a pattern lets through what cannot be: days that no
month has, leap seconds, control characters, an unreadable base64.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from careloop.fhir.dates import DATE_PATTERN, INSTANT_PATTERN, TIME_PATTERN

Predicate = Callable[[Any], bool]

MAX_STRING = 1024 * 1024
"""R4 datatypes: strings shall not exceed 1 MB."""

_instant = re.compile(INSTANT_PATTERN, re.ASCII).fullmatch
_date = re.compile(DATE_PATTERN, re.ASCII).fullmatch
_date_time = re.compile(f"{INSTANT_PATTERN}|{DATE_PATTERN}", re.ASCII).fullmatch
_time = re.compile(TIME_PATTERN, re.ASCII).fullmatch
_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_oid = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+", re.ASCII).fullmatch
_uuid = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_reference = re.compile(
    r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
    r"|#[^\s#]*|[a-z][a-z0-9+.\-]*:\S+|[A-Z][A-Za-z]+\?\S+"
).fullmatch
_base64 = re.compile(r"[A-Za-z0-9+/]*={0,2}").fullmatch
_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]").search
_space = re.compile(r"\s").search
_no_spaces = str.maketrans("", "", " \t\r\n")


def is_string(value: Any) -> bool:
    """True for a text with something in it, no control characters, at most 1 MB."""
    if type(value) is not str or not value:
        return False
    return (value.isprintable() or not _control(value)) and len(value) <= MAX_STRING


def is_code(value: Any) -> bool:
    """True for a code: no white space around it, single spaces inside."""
    if type(value) is not str or not value or not value.isprintable():
        return False
    return " " not in value or (value.strip(" ") == value and "  " not in value)


def is_uri(value: Any) -> bool:
    """True for a text without white space."""
    if type(value) is not str or not value:
        return False
    return " " not in value if value.isprintable() else not _control(value) and not _space(value)


def is_id(value: Any) -> bool:
    """True for 1 to 64 letters, digits, `-` and `.`."""
    return type(value) is str and _id(value) is not None


def is_boolean(value: Any) -> bool:
    """True for true and false."""
    return value is True or value is False


def is_integer(value: Any) -> bool:
    """True for a whole number of 32 bits."""
    return type(value) is int and -2147483648 <= value <= 2147483647


def is_unsigned(value: Any) -> bool:
    """True for a whole number of 31 bits from 0."""
    return type(value) is int and 0 <= value <= 2147483647


def is_positive(value: Any) -> bool:
    """True for a whole number of 31 bits from 1."""
    return type(value) is int and 1 <= value <= 2147483647


def is_decimal(value: Any) -> bool:
    """True for a number kept exactly. A binary float is refused: it would not come back as it went in."""
    return type(value) is int or (isinstance(value, Decimal) and value.is_finite())


def _day_exists(text: str) -> bool:
    """True where the month has the day that `text` names."""
    return len(text) < 10 or text[8:10] < "29" or int(text[8:10]) <= monthrange(int(text[:4]), int(text[5:7]))[1]


def is_date(value: Any) -> bool:
    """True for a date that exists, with or without month and day."""
    return type(value) is str and _date(value) is not None and _day_exists(value)


def is_date_time(value: Any) -> bool:
    """True for a date, or a date with time and offset."""
    return type(value) is str and _date_time(value) is not None and _day_exists(value)


def is_instant(value: Any) -> bool:
    """True for a date with time and offset."""
    return type(value) is str and _instant(value) is not None and _day_exists(value)


def is_time(value: Any) -> bool:
    """True for a time of day with seconds."""
    return type(value) is str and _time(value) is not None


def is_oid(value: Any) -> bool:
    """True for `urn:oid:` and dotted numbers."""
    return type(value) is str and _oid(value) is not None


def is_uuid(value: Any) -> bool:
    """True for `urn:uuid:` and a UUID."""
    return type(value) is str and _uuid(value) is not None


def is_base64(value: Any) -> bool:
    """True for readable base64, white space allowed."""
    if type(value) is not str or not value:
        return False
    packed = value.translate(_no_spaces)
    return len(packed) % 4 == 0 and packed != "" and _base64(packed) is not None


def is_reference(value: Any) -> bool:
    """True for `Type/id` with or without a version, `Type?query`, an address with a scheme, and `#id`."""
    return type(value) is str and _reference(value) is not None


def is_xhtml(value: Any) -> bool:
    """True for a text that is one `div`. What is inside is made safe on the way out, not here."""
    if type(value) is not str or _control(value):
        return False
    text = value.strip()
    return text.startswith("<div") and text.endswith(">")


_WORDS = "a text that is not empty, without control characters, of at most 1 MB"
_URI = "an address without white space"
_WHOLE = "a whole number"

PRIMITIVES: Mapping[str, tuple[Predicate, str]] = {
    "base64Binary": (is_base64, "base64"),
    "boolean": (is_boolean, "true or false"),
    "canonical": (is_uri, _URI),
    "code": (is_code, "a code without white space around it"),
    "date": (is_date, "a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": (is_date_time, "a date that exists, as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz"),
    "decimal": (is_decimal, "a number"),
    "id": (is_id, "an id of 1 to 64 letters, digits, - and ."),
    "instant": (is_instant, "an instant that exists, as YYYY-MM-DDThh:mm:ss.sss+zz:zz"),
    "integer": (is_integer, f"{_WHOLE} of 32 bits"),
    "markdown": (is_string, _WORDS),
    "oid": (is_oid, "urn:oid: and an OID"),
    "positiveInt": (is_positive, f"{_WHOLE} from 1 to 2147483647"),
    "string": (is_string, _WORDS),
    "time": (is_time, "a time as hh:mm:ss"),
    "unsignedInt": (is_unsigned, f"{_WHOLE} from 0 to 2147483647"),
    "uri": (is_uri, _URI),
    "url": (is_uri, _URI),
    "uuid": (is_uuid, "urn:uuid: and a UUID"),
    "xhtml": (is_xhtml, "XHTML inside one div"),
}
"""Predicate and expected words by type."""
