"""The same referral again (RF-08)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from careloop.loops.rules.referrals.content import Tables


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A referral of the patient that stands. `services` are its codes, else its name in small letters."""

    id: str
    services: frozenset[str]
    authored: date
    is_open: bool
    clinic: str = ""
    says: str = ""


def duplicates(
    tables: Tables, services: Iterable[str], authored: date, standing: Sequence[Standing]
) -> tuple[Standing, ...]:
    """Referrals for the same service that are open and were authored within 90 days before, newest first: asked about
    before sending, never refused (RF-08)."""
    asked = frozenset(services)
    found = [
        one
        for one in standing
        if one.is_open and asked & one.services and 0 <= (authored - one.authored).days <= tables.duplicate_days
    ]
    return tuple(sorted(found, key=lambda one: (one.authored, one.id), reverse=True))
