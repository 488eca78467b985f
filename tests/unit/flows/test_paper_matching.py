"""To whom a paper may belong: dates, numbers and names in its text, and why."""

from datetime import date

from careloop.engagement.paper.model import Looked
from careloop.flows.paper_matching import dates_in, numbers_in, pages_of, suggest

JAMES = {
    "id": "james", "birthDate": "1968-06-02", "name": [{"family": "Okafor", "given": ["James"]}],
    "identifier": [{"type": {"coding": [{"code": "MR"}]}, "system": "urn:mrn", "value": "00-51-778"}],
}  # fmt: skip
MARIA = {"id": "maria", "birthDate": "1970-01-05", "name": [{"family": "De la Cruz", "given": ["María", "José"]}]}


def test_dates_are_read_as_people_write_them() -> None:
    text = "born 1968-06-02, 06/03/1968, 4 Jun 1968, June 5, 1968; not 13/45/1968"
    assert dates_in(text) == [date(1968, 6, day) for day in (2, 3, 4, 5)]


def test_numbers_hold_a_digit_and_are_no_dates() -> None:
    assert numbers_in("MRN 00-51-778 on 06/03/1968, 1968-06-02 and word") == ["00-51-778"]


def test_name_and_birth_date_together_are_a_reason() -> None:
    [found] = suggest("Consult note\fRE: OKAFOR, James  DOB 06/02/1968", [JAMES, MARIA])
    assert (found.patient_id, found.reasons) == ("james", ("name and birth date on page 2",))


def test_a_name_alone_or_a_birth_date_alone_is_nobody() -> None:
    assert suggest("James Okafor came", [JAMES]) == []
    assert suggest("born 2 June 1968", [JAMES]) == []


def test_a_record_number_is_a_reason_and_the_name_makes_it_stronger() -> None:
    alone = suggest("MRN 00-51-778", [JAMES])[0]
    both = suggest("James Okafor, MRN 00-51-778", [JAMES])[0]
    assert alone.points < both.points and both.reasons == ("record number on page 1, with the name",)


def test_accents_and_names_of_several_words_are_found() -> None:
    assert suggest("Maria de la Cruz, 1970-01-05", [MARIA])[0].patient_id == "maria"
    assert suggest("Maria Cruz, 1970-01-05", [MARIA]) == []


def test_codes_come_from_the_square_and_from_the_text() -> None:
    looked = [
        Looked(image=b"", text="cover"),
        Looked(image=b"", codes=("L-1 AAAA",), turn=90, text="L-1 aaaa L-2 CCCC"),
    ]
    first, second = pages_of(looked)
    assert (first.codes, first.turn) == ((), 90)
    assert second.codes == ("L-1 AAAA", "L-2 CCCC")
