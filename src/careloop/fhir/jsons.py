"""FHIR JSON in and out with exact decimals: `72.50` stays `72.50`, unknown elements stay where they are."""

from decimal import Decimal
from typing import Any

import msgspec

from careloop.errors import Rejected

Resource = dict[str, Any]

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(text: bytes | str) -> Resource:
    """The JSON object in `text`, decimals as `Decimal`. Anything else is `Rejected` with the place."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(at="body", expected=f"a JSON object ({_place(error)})", code="structure") from error


def encode(value: Any) -> bytes:
    """Compact JSON, decimals as they were."""
    return _encoder.encode(value)


def _place(error: Exception) -> str:
    text = str(error)
    return text if "byte" in text and len(text) < 120 else "not readable as JSON"
