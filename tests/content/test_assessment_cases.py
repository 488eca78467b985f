"""The cases of assessments hold; every instrument has one; texts for patients are plain; forms are valid FHIR."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.assessments import Content, content_of
from careloop.assessments.cases import run_case
from careloop.assessments.model import Answer
from careloop.assessments.questionnaires import questionnaires
from careloop.assessments.reading import read_response
from careloop.assessments.rules import points, score
from careloop.catalog import load_catalog, read_yaml
from careloop.engagement.reading import LIMIT, reading_of
from careloop.fhir.validation import Validator

HERE = Path(__file__).parent / "assessments"
CASES = [case for path in sorted(HERE.glob("*.cases.yaml")) for case in read_yaml(path.read_text(encoding="utf-8"))]
CONTENT = content_of(load_catalog())
SUMS = [one for one in CONTENT.instruments.values() if one.method == "sum"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_case_is_so(case: dict[str, Any]) -> None:
    assert [fault.expected for fault in run_case(case, CONTENT)] == []


def test_every_instrument_that_is_shipped_has_a_case() -> None:
    shipped = {one.id for one in CONTENT.instruments.values() if one.items}
    with_cases = {case.get("instrument") for case in CASES}
    assert shipped - with_cases == {"prapare"}, "what PRAPARE tells of is in the cases of needs"


def test_a_case_that_is_not_so_is_reported() -> None:
    wrong = {"case": "wrong", "instrument": "phq-2", "answers": [2, 1], "gives": {"total": 4}}
    assert [fault.expected for fault in run_case(wrong, CONTENT)] == ["total 4, it is 3"]


def test_every_instrument_of_the_domain_is_here(shared: Path) -> None:
    named = read_yaml((shared / "domain" / "assessments.yaml").read_text(encoding="utf-8"))["instruments"]
    ours = {one.id for one in CONTENT.instruments.values()}
    other = {
        "ahc_hrsn": "ahc-hrsn", "cssrs_screen": "cssrs-screen", "steadi_stay_independent": "steadi",
        "zarit_22": "zarit", "phq2": "phq-2", "phq9": "phq-9", "gad7": "gad-7", "dast10": "dast-10",
    }  # fmt: skip
    assert {other.get(name, name.replace("_", "-")) for name in named} == ours
    for name, facts in named.items():
        one = CONTENT.instruments[other.get(name, name.replace("_", "-"))]
        assert one.ship == ("no" if facts["ship"] is False else facts["ship"]), name
        assert one.total_code == facts.get("loinc_total") or "loinc_total" not in facts, name
        bands = [[int(band.low), int(band.high), band.name] for band in one.bands]
        if one.ship != "no":
            assert bands == facts.get("bands", bands), name


def every_total(instrument: Any) -> dict[int, dict[str, Answer]]:
    """For each total that can be reached, one way to answer all items."""
    found: dict[int, dict[str, Answer]] = {0: {}}
    for item in instrument.items:
        given_ = [Answer(codes=(one.code,)) for one in item.choices] or [Answer(number=one) for one in item.values]
        if not item.scored:
            continue
        found = {
            total + int(worth): {**answers, item.id: answer}
            for total, answers in found.items()
            for answer in given_
            if (worth := points(item, answer)) is not None
        }
    return found


def test_every_total_of_every_instrument_has_the_band_and_the_cut_off_of_the_domain(shared: Path) -> None:
    """assessments.yaml: bands and cut-offs at each total that answers can come to, the edges of bands among them."""
    named = read_yaml((shared / "domain" / "assessments.yaml").read_text(encoding="utf-8"))["instruments"]
    ours = {
        "phq2": "phq-2", "phq9": "phq-9", "gad7": "gad-7", "dast10": "dast-10", "morse_fall": "morse-fall",
        "katz_adl": "katz-adl", "mini_cog": "mini-cog", "hits": "hits", "lawton_iadl": "lawton-iadl",
    }  # fmt: skip
    for name, own in ours.items():
        facts, instrument = named[name], CONTENT.instruments[own]
        totals = every_total(instrument)
        assert [min(totals), max(totals)] == facts.get("total", [0, 10]), name
        for total, answers in totals.items():
            result = score(instrument, answers)
            assert result.total == total, name
            wanted = next((band for low, high, band in facts.get("bands", ()) if low <= total <= high), None)
            assert result.band == wanted, (name, total)
            if "positive" in facts:
                sign, cut = str(facts["positive"]).split()
                assert result.positive is (total >= int(cut) if sign == ">=" else total <= int(cut)), (name, total)


def test_wording_that_is_not_ours_is_not_shipped() -> None:
    for one in CONTENT.instruments.values():
        if one.ship in ("scoring_only", "no"):
            assert not any(item.text for item in one.items), one.id


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_missing_is_never_zero_and_the_order_of_answers_does_not_matter(data: st.DataObject) -> None:
    instrument = data.draw(st.sampled_from(SUMS))
    answers: dict[str, Answer] = {}
    for item in instrument.items:
        allowed = [Answer(codes=(one.code,)) for one in item.choices] or [Answer(number=one) for one in item.values]
        if (found := data.draw(st.sampled_from([None, *allowed]))) is not None:
            answers[item.id] = found
    result = score(instrument, answers)
    shuffled = dict(data.draw(st.permutations(list(answers.items()))))
    assert score(instrument, {**shuffled, "of-another-form": Answer(text="x")}) == result
    assert score(instrument, {**answers, **{name: Answer() for name in result.missing}}) == result
    told = [item for item in instrument.items if item.id in result.missing]
    assert all(points(item, answers.get(item.id)) is None for item in told)
    if result.missing and not result.prorated:
        assert result.total is None


def test_optional_items_may_be_left_out_in_any_order() -> None:
    phq9 = CONTENT.instruments["phq-9"]
    given_ = {"1": Answer(codes=("LA6570-1",)), "2": Answer(codes=("LA6569-3",)), "9": Answer(codes=("LA6568-5",))}
    found = {score(phq9, dict(order)) for order in permutations(given_.items())}
    assert len(found) == 1


def test_the_forms_are_valid_fhir() -> None:
    validator = Validator.load()
    faults = [
        f"{form['id']}: {fault.at} {fault.expected}"
        for form in questionnaires(CONTENT)
        for fault in validator.check(form)
        if fault.severity != "information"
    ]
    assert faults == []


def test_forms_of_other_systems_are_understood() -> None:
    def line(link: str, **answer: Any) -> dict[str, Any]:
        return {"linkId": link, "answer": [answer]}

    codes = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
    by_words = [line(f"/69737-5/{code}", valueCoding={"code": "x", "display": "Several days"}) for code in codes]
    found = read_response({"item": by_words}, CONTENT)
    assert score(CONTENT.instruments["gad-7"], found.instruments["gad-7"]).total == 7
    by_number = [line(item, valueInteger=2) for item in "1234567"]
    found = read_response({"questionnaire": "http://loinc.org/q/69737-5", "item": by_number}, CONTENT)
    assert score(CONTENT.instruments["gad-7"], found.instruments["gad-7"]).total == 14
    assert read_response({"item": [line("weight", valueDecimal=80)]}, CONTENT).instruments == {}


def test_what_patients_read_is_plain() -> None:
    own = [item.text for one in CONTENT.checkins.values() for section in one.sections for item in section.items]
    texts = [*CONTENT.texts.values(), *own, *(one.welcome for one in CONTENT.checkins.values())]
    whole = reading_of(" ".join(text if text[-1] in ".?!" else f"{text}." for text in texts))
    assert whole is not None
    assert whole.flesch_kincaid <= LIMIT
    assert whole.smog <= LIMIT + 1
    hard = [text for text in texts if (found := reading_of(text)) and found.is_hard]
    assert hard == []


def test_a_language_is_offered_only_where_somebody_reviewed_it() -> None:
    assert [code for code, _, reviewed in CONTENT.languages if reviewed] == ["en"]
    assert isinstance(CONTENT, Content)
