"""From a loop the link leads to the screen of its next step, of its matter, or of its pathway; else where one books."""

from types import SimpleNamespace

import pytest
from tests.conftest import REPOSITORY

from careloop.web.staff.proving import PLACES, place_of
from careloop.web.staff.words import KIND_NAMES

KNOWN = {one.stem for one in (REPOSITORY / "src/careloop/content/pathways").glob("*.yaml")}


def place(pathway, step="x", focus="Task/t", ways=()):
    proof = SimpleNamespace(ways=[SimpleNamespace(kind=one) for one in ways])
    row = SimpleNamespace(pathway=pathway, step_id=step, loop_id="l", patient_id="p")
    return place_of(SimpleNamespace(row=row, focus=focus, proof=proof))


@pytest.mark.parametrize(
    ("given", "path", "beside"),
    [
        ({"pathway": "teach-back"}, "/patients/p/education?about=t", False),
        ({"pathway": "refill-gap", "focus": "DetectedIssue/i"}, "/patients/p/medicines", True),
        ({"pathway": "symptom-alert", "focus": "DetectedIssue/i"}, "/monitoring/alerts/i", False),
        ({"pathway": "medicine-decision", "step": "decided"}, "/patients/p/medicines", False),
        ({"pathway": "new-patient-intake", "step": "plan"}, "/patients/p/plan", True),
        ({"pathway": "care-gap", "step": "booked", "ways": ["booking"]},
         "/schedule/book?patient=p&about=Task/t", False),
    ],
)  # fmt: skip
def test_where_a_loop_is_worked(given, path, beside):
    found = place(**given)
    assert (found.path, found.beside) == (path, beside)


@pytest.mark.parametrize(
    "given",
    [
        {"pathway": "symptom-alert", "focus": "Task/t"},
        {"pathway": "medicine-decision", "step": "patient-told"},
        {"pathway": "care-gap", "step": "booked"},
        {"pathway": "team-task"},
    ],
)
def test_what_is_worked_in_the_pane_leads_nowhere(given):
    assert place(**given) is None


def test_every_pathway_has_a_name_for_lists_and_every_place_is_of_a_pathway():
    assert KNOWN - set(KIND_NAMES) == set()
    assert {name.partition("/")[0] for name in PLACES} - KNOWN == set()
