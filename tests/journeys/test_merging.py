"""Case 18 of transitions.md and its neighbours: a merge by message, in any order, and taken back."""

import random

import pytest
from tests.journeys.practice import Practice
from tests.journeys.story import told

from careloop import identity
from careloop.flows import leading, merging, staffing, verifying
from careloop.identity import Identifier, merges
from careloop.teams import store as teams

SYSTEM = "urn:careloop:authority:STMARY"
SURVIVOR = "RIVERA^ANA^M||19510415|F|||12 ELM ST^^SPRINGFIELD^MA^01101"
PRIOR = "RIVERRA^ANNA||19510415|F|||9 OAK ST^^SPRINGFIELD^MA^01101"


def messages(practice: Practice) -> list[bytes]:
    """A is known; B has a stay V9 with an open episode; B is merged into A; V9 is corrected under B's old number."""
    stay = {"mrn": "100999", "visit": "V9", "pid": PRIOR, "admit": "20260302080000-0500"}
    discharge = "20260306163000-0500"
    return [
        practice.message("A28", "2026-03-01 08:00", mrn="100234", pid=SURVIVOR),
        practice.message("A01", "2026-03-02 08:00", **stay),
        practice.message("A03", "2026-03-06 16:30", **stay, disposition="01", discharge=discharge),
        practice.message("A40", "2026-03-10 09:00", mrn="100234", prior="100999", pid=SURVIVOR),
        practice.message("A08", "2026-03-10 10:00", **stay, disposition="06", discharge=discharge),
    ]


def who(practice: Practice, number: str) -> identity.Resolution:
    """Whom this number names now."""
    given = [Identifier(system=SYSTEM, value=number, type="MR")]
    return practice.run(lambda tx: identity.resolve(tx, practice.app.record, practice.app.clock.now(), given))


def seen(practice: Practice) -> dict[str, object]:
    """The end state without ids: what each Patient says, whose the stay is, which loops stand."""
    survivor = who(practice, "100234").patient_id
    prior = who(practice, "100999").named_prior

    def read(tx):
        types = ("Encounter",)
        found = practice.app.record.fetch(tx, [f"Patient/{survivor}", f"Patient/{prior}"])
        people = [found[f"Patient/{one}"].resource for one in (survivor, prior)]
        stays = [one.resource["identifier"][0]["value"] for one in practice.app.record.of_patient(tx, survivor, types)]
        left = practice.app.record.of_patient(tx, str(prior), types)
        return people, stays, left

    people, stays, left = practice.run(read)
    return {
        "names": [one["name"][0]["family"] for one in people],
        "streets": [one["address"][0]["line"] for one in people],
        "active": [one.get("active", True) for one in people],
        "links": [[link["type"] for link in one["link"]] for one in people],
        "numbers": [sorted(number["value"] for number in one["identifier"]) for one in people],
        "stays": stays,
        "left": left,
        "loops": told(practice.loops(survivor, pathway=None)),
    }


@pytest.fixture
def in_order(practice: Practice) -> dict[str, object]:
    """The end state when everything comes once, in its order."""
    practice.move_to("2026-03-10 12:00")
    practice.send(*messages(practice))
    return seen(practice)


def test_case_18_the_episode_is_with_the_survivor_and_the_old_number_leads_to_it(practice, in_order):
    assert in_order["names"] == ["RIVERA", "RIVERRA"]
    assert in_order["active"] == [True, False]
    assert in_order["links"] == [["replaces"], ["replaced-by"]]
    assert in_order["numbers"] == [["100234", "100999"], ["100999"]]
    assert (in_order["stays"], in_order["left"]) == (["V9"], [])
    assert len(in_order["loops"]) == 1
    assert who(practice, "100999").patient_id == who(practice, "100234").patient_id


@pytest.mark.parametrize("seed", range(6))
def test_the_same_messages_shuffled_and_doubled_end_the_same(practice, app, in_order, seed):
    again = Practice.open(app)
    shuffled = messages(again) * 2
    random.Random(seed).shuffle(shuffled)
    for message in shuffled:
        again.send(message)
    assert seen(again) == in_order


@pytest.mark.parametrize("merge_first", [False, True])
def test_a_merge_that_is_taken_back_gives_the_stay_and_its_loop_back(practice, merge_first):
    practice.move_to("2026-03-10 12:00")
    known, *_ = told_so = messages(practice)
    practice.send(known, told_so[3], *told_so[1:3], told_so[4]) if merge_first else practice.send(*told_so)
    survivor, prior = who(practice, "100234").patient_id, who(practice, "100999").named_prior

    def undo(tx):
        standing = merges.standing_merge(tx, prior)
        merging.unmerge(practice.app, tx, practice.system, standing.id, "two sisters")
        return practice.app.record.of_patient(tx, prior, ("Encounter",))

    stays = practice.run(undo)
    assert len(stays) == 1
    assert practice.loops(survivor, pathway=None) == []
    assert [loop.state.status.is_open for loop in practice.loops(prior, pathway=None)] == [True]
    assert who(practice, "100999").patient_id == prior


def test_what_a_client_writes_about_the_prior_later_is_the_survivors_and_goes_back_with_the_rest(practice):
    """A FHIR client that has not heard of the merge: its facts must not open loops where nobody looks."""
    practice.move_to("2026-03-06 17:00")
    survivor, prior = practice.known("100234"), practice.known("100999")
    done = practice.run(lambda tx: merging.merge(practice.app, tx, practice.system, survivor, prior, "a person"))
    assert merging.gather_late(practice.app, practice.tenant) == 0
    practice.app.clock.move_by(minutes=5)
    practice.stay(prior, end="2026-03-06 16:30")
    [loop] = practice.loops(prior)
    assert merging.gather_late(practice.app, practice.tenant) > 0
    assert merging.gather_late(practice.app, practice.tenant) == 0
    assert [one.id for one in practice.loops(survivor)] == [loop.id]
    assert not practice.loops(prior)
    practice.app.clock.move_by(minutes=20)
    assert not verifying.verify_tenant(practice.app, practice.tenant)
    practice.run(lambda tx: merging.unmerge(practice.app, tx, practice.system, done.id))
    assert [one.id for one in practice.loops(prior)] == [loop.id]
    assert not practice.loops(survivor)


def test_a_closed_loop_that_comes_with_a_patient_names_no_lead_who_left(practice):
    practice.hire_as("eve", "coordinator")
    practice.move_to("2026-03-06 17:00")
    survivor, prior = practice.known("100234"), practice.known("100999")
    practice.stay(prior, end="2026-03-06 16:30")
    owner = practice.loop(prior).owner
    practice.run(lambda tx: tx.execute("delete from lead where patient_id = %s", (prior,)))
    died = {"resourceType": "Patient", "id": prior, "deceasedDateTime": "2026-03-06T16:50:00-05:00"}
    practice.write(died)
    name = next(one for one in ("dana", "eve") if practice.reference(one) == owner)
    staffing.disable(practice.app, practice.system, practice.tenant, practice.staff[name].username)
    practice.run(lambda tx: merging.merge(practice.app, tx, practice.system, survivor, prior, "a person"))
    led = practice.run(lambda tx: tx.rows("select lead from lead where patient_id = %s", (survivor,)))
    assert owner not in [row["lead"] for row in led]


def leads(practice: Practice, patient: str) -> list[tuple[str, bool]]:
    """Who led this patient, the first of them first, and whether they still do."""
    sql = "select lead, led_until from lead where patient_id = %s order by led_from"
    return [(row["lead"], row["led_until"] is None) for row in practice.run(lambda tx: tx.rows(sql, (patient,)))]


def test_of_two_patients_who_are_one_one_is_led_and_both_again_when_they_are_parted(practice):
    """PG-01: two leads of one person cannot be; a panel does not count somebody who is joined with another."""
    practice.hire_as("eve", "coordinator")
    practice.move_to("2026-03-06 17:00")
    survivor, prior = practice.known("100234"), practice.known("100999")
    for patient, name in ((survivor, "dana"), (prior, "eve")):
        chosen = {patient: practice.reference(name)}
        practice.run(
            lambda tx, chosen=chosen: teams.first_leads(tx, chosen, at=practice.app.clock.now(), by="test", why="test")
        )
    offer = {"patient_id": prior, "to": practice.reference("dana"), "why": "Knows the family"}
    practice.run(lambda tx: leading.offer_lead(practice.app, tx, practice.user("eve"), **offer))
    practice.app.clock.move_by(minutes=5)
    done = practice.run(lambda tx: merging.merge(practice.app, tx, practice.system, survivor, prior, "a person"))
    dana, eve = practice.reference("dana"), practice.reference("eve")
    assert (leads(practice, survivor), leads(practice, prior)) == ([(dana, True)], [(eve, False)])
    assert practice.run(lambda tx: teams.led_by(tx, eve)) == []
    assert practice.run(lambda tx: teams.open_offer(tx, prior)) is None
    assert not verifying.verify_tenant(practice.app, practice.tenant)

    practice.app.clock.move_by(minutes=5)
    practice.run(lambda tx: merging.unmerge(practice.app, tx, practice.system, done.id))
    assert (leads(practice, survivor), leads(practice, prior)) == ([(dana, True)], [(eve, False), (dana, True)])
    assert not verifying.verify_tenant(practice.app, practice.tenant)


def test_a_survivor_without_a_lead_is_led_by_who_led_the_prior(practice):
    practice.move_to("2026-03-06 17:00")
    survivor, prior = practice.known("100234"), practice.known("100999")
    practice.stay(prior, end="2026-03-06 16:30")
    [(lead, _)] = leads(practice, prior)
    practice.app.clock.move_by(minutes=5)
    practice.run(lambda tx: merging.merge(practice.app, tx, practice.system, survivor, prior, "a person"))
    assert (leads(practice, survivor), leads(practice, prior)) == ([(lead, True)], [(lead, False)])
    assert not verifying.verify_tenant(practice.app, practice.tenant)
