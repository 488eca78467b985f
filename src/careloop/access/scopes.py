"""SMART v2 scopes: read, grant, ask. Pure.

SMART App Launch 2.2, "Scopes for requesting FHIR resources": `<level>/<type or *>.<letters of cruds in that order>`, of
the levels `patient` (one patient's compartment), `user` (what the person may who acts through the app) and `system`. A
scope may be limited to a category: `patient/Observation.rs?category=<system>|<code>`. Limits by other searches are not
granted: what is not enforced is not promised. Scopes without data (`openid`, `launch`, ...) are `WORDS`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from careloop.errors import Rejected

WORDS: Final = ("openid", "fhirUser", "launch", "launch/patient", "offline_access")
"""Scopes that ask for context, identity or a refresh token."""
CATEGORIES: Final = frozenset(
    {"CarePlan", "Condition", "DiagnosticReport", "DocumentReference", "Observation", "ServiceRequest"}
)
"""Types whose scopes may be limited by category: R4 or US Core has the search parameter."""
LEVELS: Final = ("patient", "user", "system")

_SCOPE = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]{2,40})\.(c?r?u?d?s?)(?:\?category=([^\s?&=|,]{1,200}\|[^\s?&=|,]{1,100}))?"
)


@dataclass(frozen=True, kw_only=True, order=True)
class Scope:
    """Permission to do `letters` (of `cruds`) on `resource_type` (`*` for every type), limited to a `category`
    (`system|code`) where there is one."""

    resource_type: str
    letters: str
    level: str = "system"
    category: str | None = None

    def __str__(self) -> str:
        limit = f"?category={self.category}" if self.category else ""
        return f"{self.level}/{self.resource_type}.{self.letters}{limit}"

    def covers(self, letter: str, resource_type: str) -> bool:
        """True when this scope alone permits the interaction, as far as its level and category go."""
        return letter in self.letters and self.resource_type in ("*", resource_type)


def parse_scope(text: str) -> Scope | None:
    """The scope, or None for one that this server does not grant."""
    match = _SCOPE.fullmatch(text)
    if match is None or not match[3] or (match[4] and match[2] not in CATEGORIES):
        return None
    return Scope(level=match[1], resource_type=match[2], letters=match[3], category=match[4])


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """All scopes of a space-separated list; `Rejected` when one of them is not known here."""
    scopes = [parse_scope(word) for word in text.split()]
    if not scopes or None in scopes:
        raise Rejected(at="scope", expected="SMART v2 scopes such as system/*.rs or system/Patient.cruds")
    return tuple(scope for scope in scopes if scope is not None)


def check_registered(text: str) -> tuple[str, ...]:
    """The scopes that a client may be registered with, each once; `Rejected` when one of them is not known here."""
    words = list(dict.fromkeys(text.split()))
    if not words:
        raise Rejected(at="scope", expected="at least one SMART v2 scope")
    data = [word for word in words if word not in WORDS]
    return tuple(str(one) for one in parse_scopes(" ".join(data))) + tuple(one for one in words if one in WORDS)


def granted(
    registered: Iterable[str], requested: str | None, *, levels: Iterable[str] = ("system",)
) -> tuple[str, ...]:
    """What a client that may have `registered` gets of these levels when it asks for `requested`: never more than
    either.

    Nothing asked means everything registered; unknown scopes are left out, as RFC 6749 §3.3 allows. Empty when
    nothing is left.
    """
    kinds = frozenset(levels)
    allowed = [scope for scope in map(parse_scope, registered) if scope and scope.level in kinds]
    if not (requested or "").split():
        return tuple(str(scope) for scope in allowed)
    asked = [scope for scope in map(parse_scope, (requested or "").split()) if scope]
    return tuple(dict.fromkeys(str(both) for one in asked for other in allowed if (both := _overlap(one, other))))


def granted_words(registered: Iterable[str], requested: str) -> tuple[str, ...]:
    """The scopes without data that were asked for and are registered."""
    known = set(registered)
    return tuple(one for one in dict.fromkeys(requested.split()) if one in WORDS and one in known)


def _overlap(one: Scope, other: Scope) -> Scope | None:
    letters = "".join(letter for letter in one.letters if letter in other.letters)
    types = {one.resource_type, other.resource_type} - {"*"}
    categories = {one.category, other.category} - {None}
    if not letters or len(types) > 1 or len(categories) > 1 or one.level != other.level:
        return None
    category = next(iter(categories), None)
    return replace(one, resource_type=next(iter(types), "*"), letters=letters, category=category)
