"""The TCM decision for known dates, in the words that a biller reads."""

from datetime import date

import pytest

from careloop.loops.rules.tcm import TcmFacts, tcm_code


@pytest.mark.parametrize(("attempts", "sentence"), [
    (0, "no contact within 2 business days"), (1, "only 1 attempt within 2 business days"),
])  # fmt: skip
def test_the_reason_against_says_how_often_somebody_tried(attempts, sentence):
    day = date(2026, 12, 2)
    given = TcmFacts(discharge=date(2026, 11, 20), contact_met=None, attempts=attempts, medication_reconciliation=day,
                     visit=day, decision_level="moderate")  # fmt: skip
    found = tcm_code(given)
    assert (found.code, found.reasons, found.says) == (None, ("contact",), (sentence,))
