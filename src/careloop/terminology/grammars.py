"""Code systems that are a grammar, not a list: whether a code belongs can be said, all codes cannot be listed.

Well-formed is taken for valid: a language tag with subtags that nobody registered passes (docs/clarifications).
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from careloop.fhir import ucum
from careloop.terminology.model import Filter

UCUM = "http://unitsofmeasure.org"
LANGUAGES = "urn:ietf:bcp:47"
MIME_TYPES = "urn:ietf:bcp:13"
ADDRESSES = "urn:ietf:rfc:3986"

_TAG = re.compile(
    r"(?:(?P<language>[a-z]{2,3}(?P<extlang>(?:-[a-z]{3}){1,3})?|[a-z]{4,8})(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|\d{3}))?(?P<variant>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*)"
    r"(?P<extension>(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*)(?P<privateuse>-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+)",
    re.IGNORECASE | re.ASCII,
)
_MIME = re.compile(
    r"[\w!#$&^.+-]{1,127}/(?:[\w!#$&^.+-]{1,127}|\*)(?:\s*;\s*[\w!#$&^.+-]+=(?:[^\s;\"]+|\"[^\"]*\"))*", re.ASCII
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", re.ASCII)
_SUBTAGS = {
    "language": "language",
    "ext-lang": "extlang",
    "script": "script",
    "region": "region",
    "variant": "variant",
    "extension": "extension",
    "private-use": "privateuse",
}

GRAMMARS: Mapping[str, Callable[[str], bool]] = {
    UCUM: ucum.is_valid,
    LANGUAGES: lambda code: _TAG.fullmatch(code) is not None,
    MIME_TYPES: lambda code: _MIME.fullmatch(code) is not None,
    ADDRESSES: lambda code: _ADDRESS.fullmatch(code) is not None,
}


def is_code(system: str, code: str) -> bool | None:
    """True or false where the system is a grammar; None for any other system."""
    grammar = GRAMMARS.get(system)
    return None if grammar is None else grammar(code)


def passes(system: str, one: Filter, code: str) -> bool | None:
    """Whether a well-formed code passes a filter; None where the grammar has no such property."""
    if system == UCUM and (one.property, one.op) == ("canonical", "="):
        return _same_dimension(code, one.value)
    if system == LANGUAGES and one.property in _SUBTAGS and one.op in ("exists", "="):
        tag = _TAG.fullmatch(code)
        found = (tag[_SUBTAGS[one.property]] or "").strip("-") if tag is not None else ""
        return bool(found) is (one.value == "true") if one.op == "exists" else found.casefold() == one.value.casefold()
    return None


def _same_dimension(code: str, unit: str) -> bool | None:
    wanted, found = ucum.canonical(Decimal(1), unit), ucum.canonical(Decimal(1), code)
    if wanted is None:
        return None
    return found is not None and found[1] == wanted[1]
