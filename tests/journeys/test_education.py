"""Something is sent, opened on a phone, misunderstood, explained again and understood; each a fact in the record."""

import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.cli.asgi import create_asgi
from careloop.errors import NotFound, Rejected
from careloop.flows import educating as flow
from careloop.loops import store

ITEM = "heart-failure-weight"


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


@pytest.fixture
def phone(practice, no_tries):
    with TestClient(create_asgi(practice.app), raise_server_exceptions=True) as web:
        yield web


def ill(practice):
    patient = practice.patient()
    practice.write({
        "resourceType": "Condition", "id": f"hf-{patient}", "subject": {"reference": f"Patient/{patient}"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                       "code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.22"}]},
    })  # fmt: skip
    return patient


def row(practice, patient, item=ITEM):
    page = practice.run(lambda tx: flow.page(practice.app, tx, practice.user("nia"), patient))
    return next(one for one in page.rows if one.standing.item.id == item)


def send(practice, patient):
    return practice.run(lambda tx: flow.send(practice.app, tx, practice.user("nia"), patient_id=patient, item_id=ITEM))


def teach(practice, patient, choice, way="phone"):
    practice.app.clock.move_by(minutes=5)
    return practice.run(
        lambda tx: flow.teach(
            practice.app, tx, practice.user("nia"), patient_id=patient, item_id=ITEM, choice_id=choice, way=way
        )
    )


def loops(practice, patient):
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return [one for one in found if one.state.pathway == "teach-back"]


def open_link(phone, practice, patient, codes, born="1950-05-06"):
    page = phone.post(f"/p/{codes.secret}", data={"birth_date": born})
    proof = page.text.partition('name="proof" value="')[2].partition('"')[0]
    return page, proof


def test_misunderstood_by_link_and_understood_on_the_phone(practice, phone):
    patient = ill(practice)
    born = practice.run(lambda tx: practice.app.record.fetch(tx, [f"Patient/{patient}"]))[f"Patient/{patient}"]
    codes = send(practice, patient)
    assert row(practice, patient).standing.opened is None and row(practice, patient).codes == codes
    assert phone.post(f"/p/{codes.secret}", data={"birth_date": "1900-01-01"}).status_code == 422
    page, proof = open_link(phone, practice, patient, codes, born.resource["birthDate"])
    assert "Step on the scale each morning" in page.text
    assert row(practice, patient).standing.opened is not None
    assert phone.post(f"/p/{codes.secret}/education", data={"proof": proof}).status_code == 422
    said = phone.post(f"/p/{codes.secret}/education", data={"proof": proof, "choice": "eat-less"})
    assert "Three pounds in one day is water, not food" in said.text
    assert phone.post(f"/p/{codes.secret}/education", data={"proof": proof, "choice": "call"}).status_code == 404
    [loop] = loops(practice, patient)
    assert loop.state.status.is_open and row(practice, patient).standing.last_wrong.id == "eat-less"
    lesson = practice.run(lambda tx: flow.lesson(practice.app, tx, practice.user("nia"), patient, ITEM))
    assert lesson.before.say.startswith("Three pounds")
    teach(practice, patient, "wait")
    assert len(loops(practice, patient)) == 1
    assert teach(practice, patient, "call").says == "Understood."
    [loop] = loops(practice, patient)
    assert loop.state.status.value == "completed"
    standing = row(practice, patient).standing
    assert standing.understood and {one.id for one in standing.wrong} == {"eat-less", "wait"}


def test_right_at_once_opens_nothing(practice):
    patient = ill(practice)
    assert teach(practice, patient, "call", "in-person").says == "Understood."
    assert loops(practice, patient) == [] and row(practice, patient).standing.understood


def test_what_is_wrong_is_refused_and_keeps_nothing(practice):
    patient = ill(practice)
    with pytest.raises(NotFound):
        practice.run(lambda tx: flow.send(practice.app, tx, practice.user("nia"), patient_id=patient, item_id="magic"))
    for choice, way in (("magic", "phone"), ("call", "pigeon")):
        with pytest.raises(Rejected):
            teach(practice, patient, choice, way)
    assert row(practice, patient).standing.sent is None
