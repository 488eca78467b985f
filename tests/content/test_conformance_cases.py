"""Every rule about senders has a case that finds it, and every case holds; what may be chosen in settings is known."""

from pathlib import Path
from typing import Any

import pytest

from careloop.catalog import load_catalog, read_yaml
from careloop.flows.feed_reports import known_codes
from careloop.intake import Feed, load_mappings
from careloop.intake.amending import load_amending
from careloop.intake.counting import KindCounts, add
from careloop.intake.judging import Judgement, judge, places_of, read_rules

CATALOG = load_catalog()
RULES = read_rules(CATALOG.document("conformance", "hl7v2"))
AMENDING = load_amending(CATALOG.documents("feeds"))
CASES = read_yaml((Path(__file__).parent / "conformance" / "hl7v2.cases.yaml").read_text())


@pytest.fixture(scope="module")
def mappings():
    return load_mappings(CATALOG.mapping("hl7v2"), CATALOG.mapping("hl7v2-tables"))


def judged(case: dict[str, Any], mappings) -> Judgement:
    settings = {name: case.get(name, {}) for name in ("classes", "dispositions", "codes")}
    feed = Feed(id=1, kind="hl7v2", zone="UTC", **settings)
    counts: dict[str, KindCounts] = {}
    for _ in range(case["times"]):
        for text in case["messages"]:
            add(counts, AMENDING.read(text.encode(), feed), places_of(RULES))
    known = known_codes(mappings.__class__(**{**vars(mappings), "amending": AMENDING}), feed)
    return judge(RULES, counts, known)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_rules_say_what_the_case_expects(case: dict[str, Any], mappings) -> None:
    found = judged(case, mappings).findings
    assert [finding.rule.id for finding in found] == [one["rule"] for one in case["asks"]]
    for finding, expected in zip(found, case["asks"], strict=True):
        for word in ("met", "total", "says"):
            assert getattr(finding, word) == expected.get(word, getattr(finding, word))


def test_every_rule_has_a_case_that_finds_it() -> None:
    found = {one["rule"] for case in CASES for one in case["asks"]}
    assert {rule.id for rule in RULES} - found == set()


def test_a_good_sender_is_told_to_be_good(mappings) -> None:
    good = {finding.rule.id for finding in judged(CASES[0], mappings).good}
    assert {"discharge-reason", "discharge-reason-known", "stay-class", "phone", "discharges-sent"} <= good


def test_every_code_that_may_be_chosen_is_known_to_its_table(mappings) -> None:
    missing: list[str] = []
    for field in AMENDING.code_fields.values():
        table = mappings.tables[field.table] if field.table else None
        for code in field.choices if table and field.stored == "codes" else ():
            missing += [] if table.of(code) else [f"{field.id} {code}"]
        if table and field.stored != "codes":
            assert set(table.codes.values()) & set(field.choices), field.id
    assert missing == []


def test_every_rule_about_codes_names_a_coded_field() -> None:
    named = {rule.codes for rule in RULES if rule.expect == "known-code"}
    assert named - {"loinc"} <= set(AMENDING.code_fields)


def test_every_sentence_can_be_filled_in() -> None:
    for rule in RULES:
        for sentence in (rule.none, rule.some):
            assert "{" not in sentence.format(left=1, total=2, codes="X")
