"""The expansion of a value set: which codes it has, in order, filtered and cut into pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from careloop.errors import Rejected
from careloop.fhir.tokens import normal
from careloop.terminology.model import Enumerated, Member, Missing

MAX_CODES = 10_000
"""Codes in one answer; more are refused as too costly unless pages are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of an expansion is asked for. `text` are words that begin a word of the code's display, or the code."""

    text: str | None = None
    offset: int = 0
    count: int | None = None
    active_only: bool = False
    for_choosing: bool = False
    language: str | None = None
    without_systems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """One page of an expansion and how many codes there are in all."""

    total: int
    members: Sequence[Member]


def expand(enumerated: Enumerated, wanted: Wanted) -> Expansion:
    """The page that is wanted. `Rejected` names what is missing where not all codes can be listed, and says
    `too-costly` for more codes than one answer holds."""
    if enumerated.missing:
        raise cannot_list(enumerated.missing)
    found = [one for one in enumerated.members.values() if _is_wanted(one, wanted)]
    end = None if wanted.count is None else wanted.offset + wanted.count
    page = found[wanted.offset : end]
    if len(page) > MAX_CODES:
        expected = f"count: {len(found)} codes are more than the {MAX_CODES} of one answer"
        raise Rejected(at="ValueSet", expected=expected, code="too-costly")
    return Expansion(total=len(found), members=page)


def cannot_list(missing: Iterable[Missing]) -> Rejected:
    """The refusal of an expansion of which a part is not known."""
    kept = list(missing)
    endless = all("without an end" in one.reason for one in kept)
    reasons = "; ".join(one.sentence() for one in kept)
    return Rejected(
        at="ValueSet", expected=f"a value set whose codes can be listed: {reasons}",
        code="too-costly" if endless else "not-found",
    )  # fmt: skip


def _is_wanted(member: Member, wanted: Wanted) -> bool:
    if wanted.active_only and member.inactive:
        return False
    if wanted.for_choosing and member.abstract:
        return False
    if member.system in wanted.without_systems:
        return False
    return not wanted.text or _fits(member, wanted.text)


def _fits(member: Member, text: str) -> bool:
    """Each word of the text begins a word of the code or of one of its displays."""
    shown = (member.code, member.display or "", *(one.value for one in member.designations))
    words = [word for one in shown for word in (normal(one), *normal(one).replace("-", " ").replace("/", " ").split())]
    return all(any(word.startswith(part) for word in words) for part in normal(text).split())
