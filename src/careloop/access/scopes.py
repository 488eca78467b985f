"""SMART v2 scopes of the level `system`: read, grant, ask. Pure.

SMART App Launch 2.2, "Scopes for requesting FHIR resources": `system/<type or *>.<letters of cruds in that order>`.
Scopes limited by a search (`?category=...`) are not granted: what is not enforced is not promised.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from careloop.errors import Rejected

_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]{2,40})\.(c?r?u?d?s?)")


@dataclass(frozen=True, kw_only=True, order=True)
class Scope:
    """Permission to do `letters` (of `cruds`) on `resource_type` (`*` for every type)."""

    resource_type: str
    letters: str

    def __str__(self) -> str:
        return f"system/{self.resource_type}.{self.letters}"

    def covers(self, letter: str, resource_type: str) -> bool:
        """True when this scope alone permits the interaction."""
        return letter in self.letters and self.resource_type in ("*", resource_type)


def parse_scope(text: str) -> Scope | None:
    """The scope, or None for one that this server does not grant."""
    match = _SCOPE.fullmatch(text)
    if match is None or not match[2]:
        return None
    return Scope(resource_type=match[1], letters=match[2])


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """All scopes of a space-separated list; `Rejected` when one of them is not known here."""
    scopes = [parse_scope(word) for word in text.split()]
    if not scopes or None in scopes:
        raise Rejected(at="scope", expected="SMART v2 scopes such as system/*.rs or system/Patient.cruds")
    return tuple(scope for scope in scopes if scope is not None)


def granted(registered: Iterable[str], requested: str | None) -> tuple[str, ...]:
    """What a client that may have `registered` gets when it asks for `requested`: never more than either.

    Nothing asked means everything registered; unknown scopes are left out, as RFC 6749 §3.3 allows. Empty when
    nothing is left.
    """
    allowed = [scope for scope in map(parse_scope, registered) if scope]
    if not (requested or "").split():
        return tuple(str(scope) for scope in allowed)
    asked = [scope for scope in map(parse_scope, (requested or "").split()) if scope]
    return tuple(dict.fromkeys(str(both) for one in asked for other in allowed if (both := _overlap(one, other))))


def _overlap(one: Scope, other: Scope) -> Scope | None:
    letters = "".join(letter for letter in one.letters if letter in other.letters)
    types = {one.resource_type, other.resource_type} - {"*"}
    if not letters or len(types) > 1:
        return None
    resource_type = next(iter(types), "*")
    return Scope(resource_type=resource_type, letters=letters)
