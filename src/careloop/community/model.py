"""Values of the area: links by which partners answer, and what they are asked for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Purpose(StrEnum):
    """Who is asked, which decides what can be answered."""

    SPECIALIST = "specialist"
    COMMUNITY = "community"
    FACILITY = "facility"
    CAREGIVER = "caregiver"
    MEDICINES = "medicines"
    """The patient themselves: which medicines they take at home."""
    EDUCATION = "education"
    """The patient themselves: something to read, and one question about it."""
    ASSESSMENT = "assessment"
    """A patient or caregiver answers a part of a check-in: not one answer but a form, page by page."""
    CHECK_IN = "check-in"
    """The patient themselves: how they are today, question by question, and what they measured."""


@dataclass(frozen=True, kw_only=True)
class NewLink:
    """A link to be made. `request` is what the partner is asked (`ServiceRequest/7`), `task` the fulfilment Task that
    the answer moves, `partner` the name that people read, `asks` the words of what is wanted where the request has
    none. `number` is the part of the paper code that people say; without one the sheet gets a number of its own.
    `expects` is the kind of document that would answer it (an id of content/documents), None where none is awaited."""

    purpose: Purpose
    patient_id: str
    request: str
    partner: str
    task: str | None = None
    partner_reference: str | None = None
    asks: str = ""
    expects: str | None = None
    number: str | None = None


@dataclass(frozen=True, kw_only=True)
class PartnerLink:
    """A link as it stands. `answer` names what was answered; a link is good for one answer."""

    id: str
    purpose: Purpose
    patient_id: str
    request: str
    task: str | None
    partner: str
    partner_reference: str | None
    asks: str
    expects: str | None
    sheet_number: str
    created: datetime
    created_by: str
    expires: datetime
    attempts: int
    used: datetime | None
    answer: str | None
    withdrawn: datetime | None

    def is_good(self, now: datetime) -> bool:
        """True while an answer can be saved."""
        return self.used is None and self.withdrawn is None and now < self.expires and self.attempts < MOST_ATTEMPTS


MOST_ATTEMPTS = 5
"""So many wrong birth dates; then the link is dead and a new one must be asked for."""


@dataclass(frozen=True, kw_only=True)
class Codes:
    """What a link is known by: `secret` in an address, `sheet` on paper. Shown once to whoever sends it."""

    link_id: str
    secret: str
    sheet: str
