"""An order known by the placer's number and a result that names only the filler's become one ServiceRequest."""

from itertools import permutations

import pytest
from tests.messages.clinical import oru

ORDER = b"|P100^CLINIC|"
ALL = ("ServiceRequest", "DiagnosticReport", "Observation")


def placed(control_id="N1"):
    """Only the placer's number."""
    return oru(status="O", control_id=control_id).replace(b"|F200^LAB|", b"||")


def resulted(control_id="N2", at="20261120100000-0500"):
    """Only the filler's number."""
    return oru(control_id=control_id, at=at).replace(ORDER, b"||")


def both(control_id="N3", at="20261120110000-0500"):
    return oru(control_id=control_id, at=at)


def standing(door, kind, mrn="100234"):
    patient = door.patient(mrn)["id"]
    with door.app.database.transaction(door.tenant.id) as tx:
        return [one.resource for one in door.app.record.of_patient(tx, patient, [kind])]


def test_two_requests_become_one_when_a_message_names_both_numbers(door):
    door.send(placed(), resulted())
    assert len(standing(door, "ServiceRequest")) == 2
    door.send(both())
    [request] = standing(door, "ServiceRequest")
    assert {one["value"] for one in request["identifier"]} == {"P100", "F200"}
    told = {
        one["reference"]
        for kind in ("DiagnosticReport", "Observation")
        for resource in standing(door, kind)
        for one in resource["basedOn"]
    }
    assert told == {f"ServiceRequest/{request['id']}"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whichever_came_first_there_is_one_request_and_a_later_word_with_one_number_finds_it(door, order):
    messages = [placed(), resulted(), both()]
    door.send(*(messages[number] for number in order))
    door.send(placed("N4"), resulted("N5", at="20261120120000-0500"))
    [request] = standing(door, "ServiceRequest")
    assert {one["value"] for one in request["identifier"]} == {"P100", "F200"}


def test_one_filler_number_for_two_panels_stays_two_requests(door):
    other = resulted("N6").replace(b"24323-8^Metabolic^LN", b"57021-8^CBC^LN")
    door.send(resulted(), other, both())
    assert len(standing(door, "ServiceRequest")) == 2


def test_the_same_number_of_another_person_is_another_request(door):
    door.send(placed(), resulted().replace(b"100234", b"100777"))
    door.send(both())
    assert len(standing(door, "ServiceRequest")) == 1
    assert len(standing(door, "ServiceRequest", "100777")) == 1
