"""What a referral must hold before it is sent (RF-01), and reasons that may not wait (RF-09)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from careloop.errors import Fault, Rejected
from careloop.loops.rules.referrals.content import Named, RedFlag, Tables


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is known of a referral before it is sent. A list that is None was not asked; an empty one means that
    somebody said that there is nothing. `insurance` holds words, such as `none needed`."""

    question: str = ""
    reason: str = ""
    reason_codes: tuple[str, ...] = ()
    priority: str = ""
    language: str = ""
    contact: str = ""
    results: tuple[str, ...] | None = None
    medications: tuple[str, ...] | None = None
    allergies: tuple[str, ...] | None = None
    role: str = ""
    insurance: str = ""


class Incomplete(Rejected):
    """Something that RF-01 asks for is missing. `missing` are the items in the order of the form."""

    def __init__(self, missing: Sequence[Named]) -> None:
        faults = [Fault(at=item.id, expected=item.title, code="required") for item in missing]
        super().__init__(at=missing[0].id, expected=missing[0].title, code="required", faults=faults)
        self.missing = tuple(missing)


def missing_items(tables: Tables, request: Request) -> tuple[Named, ...]:
    """The items of RF-01 that are not there. A code alone is no reason that a person can read, but it counts."""
    return tuple(item for item in tables.items if not _has(tables, request, item.id))


def require_complete(tables: Tables, request: Request) -> None:
    """Nothing happens for a referral that may be sent; else `Incomplete` (RF-01)."""
    missing = missing_items(tables, request)
    if missing:
        raise Incomplete(missing)


def _has(tables: Tables, request: Request, item: str) -> bool:
    if item in ("results", "medications", "allergies"):
        return getattr(request, item) is not None
    if item == "reason":
        return bool(request.reason.strip() or request.reason_codes)
    if item == "priority":
        return request.priority in tables.priorities
    if item == "role":
        return request.role in {role.id for role in tables.roles}
    return bool(str(getattr(request, item)).strip())


def red_flags(tables: Tables, request: Request) -> tuple[RedFlag, ...]:
    """The red flags in the reason and the question, by whole words or by ICD-10-CM code (RF-09)."""
    text = f"{request.reason} {request.question}".lower()
    codes = [code.rpartition("|")[2].replace(".", "").upper() for code in request.reason_codes if _is_icd10(code)]
    return tuple(flag for flag in tables.red_flags if _flagged(flag, text, codes))


def _is_icd10(code: str) -> bool:
    return "icd-10" in code.lower()


def _flagged(flag: RedFlag, text: str, codes: Sequence[str]) -> bool:
    if any(code.startswith(prefix) for code in codes for prefix in flag.icd10):
        return True
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) for word in flag.words)


def too_slow(tables: Tables, request: Request, why: str = "") -> tuple[RedFlag, ...]:
    """The red flags for which the priority is too low, none where somebody wrote why it may be so (RF-09)."""
    asked = tables.priorities.get(request.priority)
    if asked is None or why.strip():
        return ()
    return tuple(flag for flag in red_flags(tables, request) if asked.rank > tables.priorities[flag.lowest].rank)
