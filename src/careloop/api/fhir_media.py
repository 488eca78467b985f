"""Which media type an answer has: what a client says that it accepts, against what we speak. Pure."""

from collections.abc import Iterator
from functools import lru_cache

JSON_TYPES = ("application/fhir+json", "application/json", "text/json")
_SHORT = {"json": "application/fhir+json", "application/json+fhir": "application/fhir+json"}
_ANYTHING = ("*/*", "application/*", "text/*")
_VERSIONS = ("4.0", "4.0.1")
_RAW_TYPES = frozenset(
    {
        "application/pdf", "application/dicom", "application/rtf", "application/xml", "text/xml", "application/cda+xml",
        "application/hl7-cda+xml", "application/zip", "text/plain", "text/csv", "text/rtf", "image/png", "image/jpeg",
        "image/gif", "image/tiff", "image/bmp", "image/webp", "audio/mpeg", "audio/mp4", "audio/wav", "audio/ogg",
        "video/mp4", "video/mpeg", "video/webm",
    }
)  # fmt: skip
"""Content that a browser may be told the type of; anything else is a lump of bytes (security.md section 5)."""


class NotOffered(ValueError):
    """The client accepts nothing that we speak."""


@lru_cache(maxsize=512)
def media_type_for(wanted: str | None, accept: str | None) -> str:
    """The media type of the answer to `_format` and `Accept`; `NotOffered` where neither allows JSON of FHIR R4."""
    best, weight = "", 0.0
    for kind, parameters in _offers((wanted or accept or "*/*").lower()):
        ours = JSON_TYPES[0] if kind in _ANYTHING else _SHORT.get(kind, kind)
        quality = _quality(parameters.get("q"))
        if ours in JSON_TYPES and parameters.get("fhirversion", "4.0") in _VERSIONS and quality > weight:
            said = "; fhirVersion=4.0" if "fhirversion" in parameters else ""
            best, weight = f"{ours}{said}; charset=utf-8", quality
    if not best:
        raise NotOffered("JSON of FHIR R4 is what is offered")
    return best


def speaks_our_version(content_type: str) -> bool:
    """False where the content says that it is of another release of FHIR."""
    for _, parameters in _offers(content_type.lower()):
        return parameters.get("fhirversion", "4.0") in _VERSIONS
    return True


def wants_raw(accept: str | None, content_type: str) -> bool:
    """True where the client names the type of a Binary's content, and so wants the content itself."""
    named = content_type.split(";")[0].strip().lower()
    family = named.partition("/")[0] + "/*"
    for kind, parameters in _offers((accept or "").lower()):
        if kind in JSON_TYPES or kind in _SHORT:
            return False
        if (kind == named or (kind == family and kind != "application/*")) and _quality(parameters.get("q")) > 0:
            return True
    return False


def safe_type(content_type: str) -> str:
    """The content's type where it can do no harm in a browser, else that of a lump of bytes."""
    named = content_type.split(";")[0].strip().lower()
    return named if named in _RAW_TYPES else "application/octet-stream"


def _offers(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in text.split(","):
        kind, *rest = (one.strip() for one in part.split(";"))
        if kind:
            pairs = (one.partition("=") for one in rest)
            yield kind.replace(" ", "+"), {name.strip(): value.strip('" ') for name, _, value in pairs}


def _quality(text: str | None) -> float:
    try:
        return float(text) if text is not None else 1.0
    except ValueError:
        return 0.0
