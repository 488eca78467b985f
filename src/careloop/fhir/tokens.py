"""The texts and hashes under which coded values, references and words are found.

Index and query make them here, so both sides always agree. A token is a signed 64-bit hash of tenant, resource type,
parameter and value text: equality is all it can answer, and two tenants never share one. It is the field's hash XOR the
value's, so that the database can follow a reference: the token of `patient` = `Patient/1` is the hash of that field XOR
the hash that Patient/1 carries of its own name (docs/decisions/0100-links-inside-sql.md).
"""

import re
from functools import lru_cache
from hashlib import blake2b
from unicodedata import combining, normalize

PRESENT = ":present"
EXACT = ":exact"
IDENTIFIER = ":identifier"
OF_TYPE = ":of-type"
TEXT = ":text"

UNPRINTABLE = dict.fromkeys(range(32), " ")
"""Control characters in a text become spaces before it is indexed."""

MAX_STRING = 250
"""Longer texts are found by their beginning; a b-tree entry must stay far below 2,700 bytes."""

_CACHED = 1 << 14
_FIELDS = 1 << 16
_LOCAL = re.compile(r"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_NOT_DIGIT = re.compile(r"\D+", re.ASCII)


def token_hash(tenant_id: int, resource_type: str, parameter: str, value_text: str) -> int:
    """The signed 64-bit token of one value: `system|code`, `code`, `system|`, `|code` (no system), `Patient/1`, a URL.

    Variants of a parameter have names of their own: `identifier:of-type`, `subject:identifier`, `name:exact`.
    """
    return field_hash(tenant_id, resource_type, parameter) ^ value_hash(value_text)


@lru_cache(maxsize=_FIELDS)
def field_hash(tenant_id: int, resource_type: str, parameter: str) -> int:
    """The signed 64-bit number under which a parameter's values are kept."""
    return _digest(f"{tenant_id}|{resource_type}|{parameter}|")


@lru_cache(maxsize=_CACHED)
def value_hash(value_text: str) -> int:
    """The part of a token that its value makes; of `Type/id` also what that resource is known by in the index."""
    return _digest(value_text)


def measured_hash(field: int, base_unit: str) -> int:
    """The number under which quantities of a field that are measured in the same base units are kept."""
    return field ^ value_hash(base_unit)


def present_hash(tenant_id: int, resource_type: str, parameter: str) -> int:
    """The token that says: this resource has a value for `parameter`. Answers `:missing`."""
    return field_hash(tenant_id, resource_type, parameter + PRESENT)


@lru_cache(maxsize=_CACHED)
def hashes(tenant_id: int, resource_type: str, parameter: str, *texts: str) -> tuple[int, ...]:
    """The tokens of `texts` and the one that says the parameter has a value. Cached: codes repeat."""
    field = field_hash(tenant_id, resource_type, parameter)
    return (*(field ^ value_hash(text) for text in texts), present_hash(tenant_id, resource_type, parameter))


@lru_cache(maxsize=_CACHED)
def coding_hashes(
    tenant_id: int, resource_type: str, parameter: str, system: str | None, code: str | None
) -> tuple[int, ...]:
    """The tokens of one coding. Cached apart from `hashes` to spare the making of texts."""
    return hashes(tenant_id, resource_type, parameter, *coding_texts(system, code))


Word = tuple[int, str, int]
"""A field, a text that stands for a value of it, and the token that resources with this value carry."""


@lru_cache(maxsize=_CACHED)
def word(tenant_id: int, resource_type: str, parameter: str, text: str) -> Word:
    """What makes a coded value findable by its words, folded."""
    folded = normal(text)[:MAX_STRING].translate(UNPRINTABLE)
    field = field_hash(tenant_id, resource_type, parameter + TEXT)
    return field, folded, field ^ value_hash(folded)


@lru_cache(maxsize=_CACHED)
def address_word(tenant_id: int, resource_type: str, parameter: str, address: str) -> Word:
    """What makes an address findable by its beginning."""
    field = field_hash(tenant_id, resource_type, parameter)
    return field, address[:MAX_STRING].translate(UNPRINTABLE), field ^ value_hash(address)


def _digest(text: str) -> int:
    hashed = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(hashed, "little", signed=True)


def exact(text: str) -> str:
    """`text` as codes and identifiers are compared: without white space around it, in Unicode form NFC."""
    text = text.strip()
    return text if text.isascii() else normalize("NFC", text)


def coding_texts(system: str | None, code: str | None) -> tuple[str, ...]:
    """Every text under which a coding or an identifier is found."""
    code = None if code is None else exact(code)
    if system is None:
        return () if code is None else (code, f"|{code}")
    return (f"{system}|",) if code is None else (f"{system}|{code}", code, f"{system}|")


def contact_texts(value: str) -> tuple[str, ...]:
    """A telephone number or address as written in lower case, and its digits where there are at least seven."""
    plain = exact(value).casefold()
    digits = _NOT_DIGIT.sub("", plain)
    return (plain, digits) if len(digits) >= 7 and digits != plain else (plain,)


@lru_cache(maxsize=_CACHED)
def normal(text: str) -> str:
    """`text` as string search compares it: no case, no accents, single spaces."""
    if not text.isascii():
        text = "".join(one for one in normalize("NFKD", text) if not combining(one))
    return " ".join(text.casefold().split())


@lru_cache(maxsize=_CACHED)
def local_reference(reference: str) -> str | None:
    """`Type/id` of a reference to a resource of this server, without a version; None for any other reference."""
    match = _LOCAL.fullmatch(reference)
    return match[1] if match else None


def canonical_texts(url: str) -> tuple[str, ...]:
    """A canonical address as written, and without its version."""
    plain = url.partition("|")[0]
    return (url,) if plain == url else (url, plain)


@lru_cache(maxsize=_CACHED)
def referenced_type(reference: str) -> str | None:
    """The resource type that a relative or absolute reference names, None where it names none."""
    if reference.startswith(("urn:", "#")):
        return None
    parts = reference.split("/_history/")[0].split("/")
    return parts[-2] if len(parts) >= 2 else None
