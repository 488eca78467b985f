"""Made-up people and messages of benchmarks are the same every time and readable by the product."""

from datetime import UTC, datetime

from careloop.bench import made_up

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def test_a_person_is_admitted_before_going_home_within_one_visit() -> None:
    admitted, left = (message.decode().split("\r") for message in made_up.messages(2, NOW))
    assert "ADT^A01" in admitted[0]
    assert "ADT^A03" in left[0]
    first, second = admitted[3].split("|"), left[3].split("|")
    assert first[19] == second[19]
    assert first[44] == second[44]
    assert (len(first), len(second)) == (46, 46)
    assert (first[36], first[45]) == ("", "")
    assert second[36] == "01"
    assert second[44] < second[45]


def test_messages_are_the_same_every_time_and_control_ids_differ() -> None:
    once, again = (list(made_up.messages(10, NOW, first=7)) for _ in range(2))
    assert once == again
    assert len({message.split(b"|")[9] for message in once}) == 10


def test_every_patient_has_a_number_of_their_own() -> None:
    numbers = {document.text for document in made_up.patients(500)}
    assert len(numbers) == 500
