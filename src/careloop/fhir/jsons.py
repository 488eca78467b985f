"""FHIR JSON in and out with exact decimals: `72.50` stays `72.50`, `1e3` stays `1e3`, unknown elements stay where they
are."""

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from careloop.errors import Rejected

Resource = dict[str, Any]

_MOST_DIGITS = 200
"""R4 asks for 18 significant digits at least. More than this is no measurement."""


class Literal(Decimal):
    """A decimal whose digits Python would write another way (`1e3`, `0.0000001`). `text` is how it was written."""

    __slots__ = ("text",)

    text: str


def _exact(text: str) -> Decimal:
    """The number in `text`, which is written out again as it came."""
    if "e" not in text and "E" not in text and "0.00000" not in text and len(text) <= _MOST_DIGITS:
        return Decimal(text)
    return _literal(text)


def _literal(text: str) -> Decimal:
    try:
        number = Literal(text)
    except InvalidOperation as error:
        raise ValueError("a decimal that fits") from error
    if len(text) > _MOST_DIGITS or not -_MOST_DIGITS <= number.adjusted() <= _MOST_DIGITS:
        raise ValueError("a decimal that fits")
    number.text = text
    return number


def _written(value: Any) -> msgspec.Raw:
    if isinstance(value, Literal):
        return msgspec.Raw(value.text.encode())
    raise NotImplementedError(type(value).__name__)


_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=_exact)
_value_decoder = msgspec.json.Decoder(float_hook=_exact)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_written)
_sorting = msgspec.json.Encoder(decimal_format="number", enc_hook=_written, order="sorted")


def decode(text: bytes | str) -> Resource:
    """The JSON object in `text`, decimals as `Decimal`. Anything else is `Rejected` with the place."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(at="body", expected=f"a JSON object ({_place(error)})", code="structure") from error


def decode_strictly(text: bytes) -> Resource:
    """The same for what a client writes: an object that has a name twice is `Rejected` too (R4 json: names are unique).

    Colons are counted in what came and in what was read; only where these differ is it looked at closely.
    """
    found = decode(text)
    if text.count(b":") != encode(found).count(b":"):
        _refuse_repeated(text)
    return found


def decode_value(text: bytes | str) -> Any:
    """The same for JSON of any kind, such as the list of a JSON Patch."""
    try:
        return _value_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(at="body", expected=f"JSON ({_place(error)})", code="structure") from error


def encode(value: Any) -> bytes:
    """Compact JSON, decimals as they were."""
    return _encoder.encode(value)


def encode_sorted(value: Any) -> bytes:
    """The same with the properties of every object in order of their names: equal content gives equal bytes."""
    return _sorting.encode(value)


def indented(text: bytes) -> bytes:
    """JSON for people to read; every literal stays as it is."""
    return msgspec.json.format(text, indent=2)


def _refuse_repeated(text: bytes) -> None:
    try:
        json.loads(text.decode(), object_pairs_hook=_unrepeated, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise Rejected(at="body", expected="JSON that is less deep", code="structure") from error


def _unrepeated(pairs: Sequence[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Rejected(at="body", expected="each name once in a JSON object", code="structure")


def _place(error: Exception) -> str:
    text = str(error)
    return text if "byte" in text and len(text) < 120 else "not readable as JSON"
