"""Results that were open when the patient left (TR-40): found, and followed until the patient knows.

A result is settled when it is final, an outpatient clinician has taken and read it, and the patient was told; each
after the last version came, so that an amended result opens the matter again. How the record says so is in
`docs/clarifications/loops.md`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.loops.facts.model import Fact, Result
from careloop.loops.model import Evidence
from careloop.loops.rules.calendar import Deadline, after, local_date, words_of
from careloop.loops.rules.case import Case
from careloop.loops.rules.clocks import Timing
from careloop.loops.rules.pathways import Due

OPEN = frozenset({"registered", "partial", "preliminary"})
FINAL = frozenset({"final", "amended", "corrected", "appended"})
ACCEPTED = "urn:careloop:communication|result-accepted"
REVIEWED = "urn:careloop:communication|result-reviewed"
_BEFORE_ARRIVAL = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One result that was open at discharge: when it must be settled, and the proof that it is, if it is."""

    result: Result
    deadline: Deadline
    proof: tuple[Evidence, ...]

    @property
    def is_settled(self) -> bool:
        """True when every part of the proof is there."""
        return bool(self.proof)


def followed(case: Case, due: Due) -> tuple[Followed, ...]:
    """Every result that was open at the discharge, by deadline."""
    found = [
        Followed(result=result, deadline=_deadline(case, due, result), proof=_proof(case, result))
        for result in case.facts.results
        if _was_open(case, result)
    ]
    return tuple(sorted(found, key=lambda item: (item.deadline.due, item.result.reference)))


def timing_of_results(case: Case, due: Due, items: tuple[Followed, ...]) -> Timing:
    """The earliest deadline of a result that is not settled; the last one when all are."""
    if not items:
        window = case.after_opening(case.pathway.window)
        return Timing(due=window.due, because="no result was open at discharge")
    waiting = [item for item in items if not item.is_settled]
    shown = waiting[0] if waiting else items[-1]
    return Timing(due=shown.deadline.due, because=f"{shown.result.says}: {shown.deadline.because}")


def _was_open(case: Case, result: Result) -> bool:
    left = case.anchor.at
    issued_later = result.issued is not None and left < result.issued <= case.until
    if result.status not in OPEN and not (result.status in FINAL and issued_later):
        return False
    stay = case.anchor.stay
    if stay is not None and result.encounter == stay.thing:
        return True
    taken = result.at or result.issued
    arrived = (stay.start if stay else None) or left
    return taken is not None and arrived - _BEFORE_ARRIVAL <= taken <= left


def _deadline(case: Case, due: Due, result: Result) -> Deadline:
    assert due.results is not None and due.results_expected is not None
    if result.expected is not None:
        expected, word = result.expected, "the result was expected on"
    elif result.status in FINAL and result.issued is not None:
        expected, word = result.issued, "the result came on"
    else:
        expected, word = case.after_opening(due.results_expected).due, "the result is expected by"
    since = f"{word} {words_of(local_date(expected, case.zone))}".removeprefix("the ")
    return after(expected, due.results, case.zone, case.calendar, since=since)


def _proof(case: Case, result: Result) -> tuple[Evidence, ...]:
    issued = result.issued or result.at
    if result.status not in FINAL or issued is None:
        return ()
    about = sorted((fact for fact in case.facts.facts if _is_about(case, fact, result, issued)), key=_order)
    reviewed = next((fact for fact in about if REVIEWED in fact.categories), None)
    accepted = next((fact for fact in about if ACCEPTED in fact.categories), reviewed)
    told = next((fact for fact in about if fact.about_patient), None)
    if reviewed is None or accepted is None or told is None:
        return ()
    final = Evidence(reference=result.reference, at=issued, says=f"{result.says}: final")
    parts = {fact.reference: fact for fact in (accepted, reviewed, told)}
    return (final, *(Evidence(reference=fact.reference, at=fact.at, says=fact.says) for fact in parts.values()))


def _is_about(case: Case, fact: Fact, result: Result, issued: datetime) -> bool:
    """A completed Communication that names the result and came after its last version."""
    if fact.resource_type != "Communication" or fact.status != "completed" or result.thing not in fact.ties:
        return False
    return issued <= fact.at <= case.until and case.moments.counts(fact.at)


def _order(fact: Fact) -> tuple[datetime, str]:
    return fact.at, fact.reference
