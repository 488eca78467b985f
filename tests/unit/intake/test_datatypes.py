"""Numbers of people out of HL7 fields."""

from datetime import UTC, datetime

import pytest
from tests.messages import adt

from careloop.identity.model import Identifier
from careloop.identity.rules.identifiers import joins
from careloop.intake.adt import understand
from careloop.intake.hl7v2 import read

SYSTEMS = {
    "AC77": "urn:careloop:account:STMARY",
    "AC77^^^EPIC": "urn:careloop:account:EPIC",
    "AC77^^^EPIC^AN": "urn:careloop:account:EPIC",
    "AC77^^^EPIC^MR": "urn:careloop:authority:EPIC",
}


@pytest.mark.parametrize("sent", SYSTEMS)
def test_an_account_number_names_a_person_for_whom_nothing_better_was_sent(mappings, feed, sent):
    raw = adt("A28", mrn="", pid="RIVERA^ANA||19510415|F||||||||||" + sent).replace(b"||^^^STMARY^MR||", b"||||")
    message = understand(read(raw), mappings, feed, 1, datetime(2026, 11, 20, tzinfo=UTC))
    [number] = message.people[0].identifiers
    assert (number["system"], number["value"]) == (SYSTEMS[sent], "AC77")
    kind = number.get("type", {}).get("coding", [{}])[0].get("code", "")
    assert joins(Identifier(system=number["system"], value=number["value"], type=kind))
