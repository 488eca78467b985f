"""A loop that was closed on somebody's word does not look like one closed by proof."""

from typing import Any

import pytest

from careloop.flows.patient_reading import loop_cards

LOOP: dict[str, Any] = {
    "resourceType": "Task",
    "id": "loop",
    "status": "completed",
    "code": {"coding": [{"system": "urn:careloop:pathway", "code": "ed-visit"}]},
    "executionPeriod": {"start": "2026-11-20T10:00:00-05:00", "end": "2026-11-22T10:00:00-05:00"},
}
STEP: dict[str, Any] = {
    "resourceType": "Task",
    "id": "step",
    "status": "completed",
    "partOf": [{"reference": "Task/loop"}],
}


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ([{"valueReference": {"reference": "Communication/c/_history/1"}}], ""),
        ([], "Closed, partly on a person's word"),
    ],
)
def test_a_step_without_evidence_is_not_called_proof(output: list[Any], says: str) -> None:
    (card,) = loop_cards([LOOP, {**STEP, "output": output}], {})
    assert card.closed_why == says
