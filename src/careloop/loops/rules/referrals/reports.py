"""The consultant's report: is it whole (RF-06), is everything in it dealt with (RF-05), can its dates be true."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from careloop.errors import Rejected
from careloop.loops.model import Unknown
from careloop.loops.rules.referrals.content import Named, Tables


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What the specialist asks for, and what became of it: `task`, `order` or `not-accepted` with a reason."""

    text: str
    outcome: str = ""
    because: str = ""

    @property
    def is_settled(self) -> bool:
        """True when somebody does it, or when it is said why not."""
        return self.outcome in ("task", "order") or (self.outcome == "not-accepted" and bool(self.because.strip()))


def missing_parts(tables: Tables, answered: Iterable[str]) -> tuple[Named, ...]:
    """Parts of RF-06 that the reader did not find in the report."""
    there = frozenset(answered)
    return tuple(part for part in tables.report_parts if part.id not in there)


def pending_words(text: str) -> bool:
    """True where a report says of itself that something is still to come (worked case 10)."""
    lowered = text.lower()
    return any(words in lowered for words in _PENDING)


_PENDING = (
    "plan to follow", "to follow separately", "labs pending", "results pending", "pending results", "pathology pending",
    "addendum to follow", "full report to follow", "preliminary report",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the asking clinician found in a report. `answered` are ids of the parts of RF-06."""

    answered: frozenset[str]
    recommendations: tuple[Recommendation, ...] = ()
    accepts_gaps_because: str = ""


def can_close(tables: Tables, received: bool, reviewed_by_asker: bool, reading: Reading | None) -> tuple[str, ...]:
    """What stands against closing, none when it may close: report received and read by the asking clinician, each
    recommendation turned into a task, an order or "not accepted because", no part missing unless said why (RF-05,
    RF-06)."""
    against = []
    if not received:
        against.append("no report yet")
    if not reviewed_by_asker or reading is None:
        against.append("not read by the asking clinician")
        return tuple(against)
    gaps = missing_parts(tables, reading.answered)
    if gaps and not reading.accepts_gaps_because.strip():
        against.append("report incomplete: " + ", ".join(part.title.lower() for part in gaps))
    against += [f"recommendation not settled: {one.text}" for one in reading.recommendations if not one.is_settled]
    return tuple(against)


def require_settled(recommendations: Sequence[Recommendation]) -> None:
    """Nothing happens when each recommendation became something; else `Rejected` names the first that did not."""
    for number, one in enumerate(recommendations, start=1):
        if not one.is_settled:
            expected = "a task, an order, or the reason why it is not accepted"
            raise Rejected(at=f"recommendation {number}", expected=expected, code="required")


@dataclass(frozen=True, kw_only=True)
class VisitDate:
    """The day of the visit as far as it is known. `conflict` says why the recorded day cannot be right."""

    day: date | Unknown
    conflict: str = ""


def visit_date(recorded: date | None, reported: date | None, corrected: date | None = None) -> VisitDate:
    """A report that arrives before the visit it is about is accepted; the recorded day is in conflict until somebody
    corrects it, and clocks use the corrected day (worked case 4)."""
    if corrected is not None:
        return VisitDate(day=corrected)
    if recorded is None:
        return VisitDate(day=Unknown(reason="no visit date recorded"))
    if reported is not None and reported < recorded:
        return VisitDate(
            day=Unknown(reason="the report is older than the visit"), conflict="report older than the visit"
        )
    return VisitDate(day=recorded)
