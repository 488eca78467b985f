"""What a history is asked for: `_count`, `_since`, `_at` (FHIR R4 http, section 3.1.0.13). Anything else is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.errors import Rejected
from careloop.fhir.dates import FhirDateTime, Precision, parse

DEFAULT_COUNT = 50
_KNOWN = ("_count", "_since", "_at", "_cursor", "_format", "_pretty")


@dataclass(frozen=True, kw_only=True)
class HistoryAsked:
    """Which versions: those since an instant, or those that were current at some time within `at`."""

    count: int = DEFAULT_COUNT
    since: datetime | None = None
    at: FhirDateTime | None = None
    cursor: str | None = None


def read_asked(pairs: Sequence[tuple[str, str]]) -> HistoryAsked:
    """The question that the parameters ask; `Rejected` names one that a history does not have."""
    given = dict(pairs)
    if unknown := [name for name in given if name not in _KNOWN]:
        raise Rejected(at="search", expected=f"of a history only {', '.join(_KNOWN[:3])}, not {unknown[0][:40]}")
    return HistoryAsked(
        count=_count(given.get("_count")),
        since=_since(given.get("_since")),
        at=_at(given.get("_at")),
        cursor=given.get("_cursor"),
    )


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise Rejected(at="_count", expected="a whole number", code="value")
    return int(text)


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = _date(text, "_since")
    if found.precision < Precision.MINUTE or found.start.tzinfo is None:
        raise Rejected(at="_since", expected="an instant with its offset", code="value")
    return found.start


def _at(text: str | None) -> FhirDateTime | None:
    return None if text is None else _date(text, "_at")


def _date(text: str, name: str) -> FhirDateTime:
    try:
        return parse(text.replace(" ", "+"))
    except Rejected as error:
        raise Rejected(at=name, expected=error.expected, code="value") from error
