"""A tenant that has certain pairs joined by the machine: a visit under a new number is the known person's."""

from careloop.access.tenancy import change_settings
from careloop.flows import merging
from careloop.identity import merges

AT = "20261120100000+0000"


def admission(mrn: str, visit: str, *, given: str = "ANA") -> bytes:
    return "\r".join([
        f"MSH|^~\\&|ADT|STMARY|CARELOOP|PRACTICE|{AT}||ADT^A01|C{mrn}{visit}|P|2.5.1",
        f"EVN|A01|{AT}",
        f"PID|1||{mrn}^^^STMARY^MR||RIVERA^{given}||19510415|F|||12 ELM ST^^SPRINGFIELD^MA^01101"
        "||^PRN^PH^^^413^5550101",
        "|".join(["PV1", "1", "I", "4W^401^1", *[""] * 15, visit, *[""] * 24, AT]),
    ]).encode()  # fmt: skip


def people_with_a_stay(door) -> set[str]:
    with door.app.database.transaction(door.tenant.id) as tx:
        rows = tx.rows("select id, patient_id from resource where type = 'Encounter' and not deleted")
    assert len(rows) == 2
    return {row["patient_id"] for row in rows}


def test_the_visit_of_a_joined_person_is_with_the_survivor_and_goes_back_when_it_is_taken_back(door):
    with door.app.database.directory() as tx:
        change_settings(tx, door.tenant, match_join="certain", match_join_points=30, accept_any_sender=True)
    door.send(admission("1001", "V1"))
    door.send(admission("2002", "V2"))
    assert door.dead() == []
    with door.app.database.transaction(door.tenant.id) as tx:
        [merge] = tx.rows("select id, prior_id, survivor_id from patient_merge")
    assert people_with_a_stay(door) == {merge["survivor_id"]}
    with door.app.database.transaction(door.tenant.id) as tx:
        merging.unmerge(door.app, tx, door.principal, merge["id"], "two people")
        assert merges.standing_merge(tx, merge["prior_id"]) is None
    assert len(people_with_a_stay(door)) == 2


def test_twins_who_are_admitted_together_stay_two(door):
    with door.app.database.directory() as tx:
        change_settings(tx, door.tenant, match_join="certain", match_join_points=30, accept_any_sender=True)
    door.send(admission("1001", "V1"), admission("2002", "V2", given="LUZ"))
    assert len(people_with_a_stay(door)) == 2
    assert door.count("patient_merge") == 0
