"""A number that our staff wrote down is not written over by the next message; who knows another one is asked about."""

import pytest
from tests.journeys.practice import Practice

from careloop.flows import contact_numbers, contradictions
from careloop.flows.people import patients_shown


@pytest.fixture
def practice(app) -> Practice:
    found = Practice.open(app)
    found.move_to("2026-04-06 09:00")
    return found


def registered(practice: Practice, when: str, phone: str) -> None:
    """The hospital registers Ana Rivera with this number."""
    practice.send(practice.message("A31", when, mrn="700", pid=f"RIVERA^ANA||19510415|F|||||{phone}"))


def save(practice: Practice, patient: str, number: str, instead_of: str = "") -> str:
    return practice.run(
        lambda tx: contact_numbers.new_number(
            practice.app, tx, practice.user("dana"), patient, number, instead_of=instead_of
        )
    )


def phones(practice: Practice, patient: str) -> tuple[str, ...]:
    now = practice.app.clock.now()
    return practice.run(
        lambda tx: patients_shown(practice.app, tx, [patient], now, practice.zone)[patient].phones,
    )


def open_rules(practice: Practice) -> list[str]:
    for _ in range(3):
        contradictions.go_on(practice.app, practice.tenant)
    rows = practice.run(lambda tx: tx.rows("select rule from contradiction where state = 'open'"))
    return [row["rule"] for row in rows]


def test_the_next_message_neither_takes_the_number_away_nor_brings_the_wrong_one_back(practice: Practice) -> None:
    registered(practice, "2026-04-06 08:00", "(413)555-0111")
    [patient] = practice.run(lambda tx: [row["id"] for row in tx.rows("select id from resource where type='Patient'")])
    [wrong] = phones(practice, patient)
    save(practice, patient, "413-555-0122", wrong)
    registered(practice, "2026-04-07 08:00", "(413)555-0111")
    assert phones(practice, patient) == ("413-555-0122",)
    assert open_rules(practice) == []

    practice.move_to("2026-04-08 09:00")
    registered(practice, "2026-04-08 08:00", "(413)555-0133")
    first, beside = phones(practice, patient)
    assert (first, beside[-4:]) == ("413-555-0122", "0133")
    assert open_rules(practice) == ["phone"]

    save(practice, patient, beside)
    assert phones(practice, patient)[0] == beside
    assert open_rules(practice) == []
