"""Figures of referrals from the resources of a practice: who is counted, who is not, and why. Names are made up."""

from datetime import date
from typing import Any

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.errors import Rejected
from careloop.flows import referral_figures
from careloop.flows.referral_figures import Figures

REPORT = {"coding": [{"system": "http://snomed.info/sct", "code": "371530004"}]}
REFERRAL = [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}]
FULFIL = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}


@pytest.fixture
def practice(_app) -> Practice:
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2027-02-01 09:00")
    return opened


def person(practice: Practice, visit: str | None = "2026-03-03T09:00:00-05:00", kind: str = "AMB") -> str:
    patient = practice.patient()
    if visit:
        practice.write({
            "resourceType": "Encounter", "id": f"v-{patient}", "status": "finished", "class": {"code": kind},
            "subject": {"reference": f"Patient/{patient}"}, "period": {"start": visit, "end": visit},
        })  # fmt: skip
    return patient


def referred(practice: Practice, patient: str, authored: str, ended: str | None = None, **task: Any) -> str:
    """A referral of another system, with its fulfilment Task where `ended` says when its report came."""
    request = f"r-{patient}-{authored}"
    subject = {"reference": f"Patient/{patient}"}
    closed = ended is not None and not task
    practice.write({
        "resourceType": "ServiceRequest", "id": request, "status": "completed" if closed else "active",
        "intent": "order", "category": REFERRAL, "code": {"text": "Cardiology"}, "subject": subject,
        "authoredOn": authored,
    })  # fmt: skip
    if ended:
        reference = {"reference": f"ServiceRequest/{request}"}
        practice.write({
            "resourceType": "Task", "id": f"t-{patient}-{authored}", "status": "completed", "intent": "order",
            "code": FULFIL, "basedOn": [reference], "focus": reference, "for": subject, "reasonCode": REPORT,
            "authoredOn": f"{authored}T09:00:00-05:00", "executionPeriod": {"end": ended}, **task,
        })  # fmt: skip
    return request


def figures(practice: Practice, year: int | None = 2026) -> Figures:
    return practice.run(lambda tx: referral_figures.figures(practice.app, tx, practice.user("dana"), year))


def test_cms50_counts_patients_by_their_first_referral_of_the_span(practice: Practice) -> None:
    met = person(practice)
    referred(practice, met, "2026-10-31", "2026-12-31")
    only_second = person(practice)  # worked case 2
    first = referred(practice, only_second, "2026-02-10")
    referred(practice, only_second, "2026-03-01", "2026-04-01")
    referred(practice, person(practice), "2026-11-03", "2026-12-01")  # worked case 3: not in the population
    too_late = person(practice)  # worked case 3
    late = referred(practice, too_late, "2026-05-01", "2027-01-04")
    open_still = person(practice)
    unread = referred(practice, open_still, "2026-06-01", "2026-06-20", status="in-progress")
    referred(practice, person(practice, visit=None), "2026-05-01", "2026-06-01")
    referred(practice, person(practice, kind="IMP"), "2026-05-01", "2026-06-01")
    referred(practice, person(practice, visit="2025-12-31T09:00:00-05:00"), "2026-05-01", "2026-06-01")
    found = figures(practice).receipts
    assert found is not None
    assert (found.numerator, found.population, found.referred) == (1, 4, 7)
    assert {one.request_id: one.because for one in found.not_met} == {
        first: "No report; a later referral has one, only the first counts",
        late: "The report came before the referral or after the year",
        unread: "The report is here, the referral is not closed",
    }
    assert next(one.authored for one in found.not_met if one.request_id == late) == date(2026, 5, 1)


def test_no_eligible_patient_is_no_rate(practice: Practice) -> None:
    found = figures(practice, None)
    assert (found.year, found.whole.share, found.receipts and found.receipts.share) == (2027, None, None)
    with pytest.raises(Rejected):
        figures(practice, 2028)
