"""The cases of the brief hold, and laws that no case can show: the limit, the order, names that mean something."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.catalog import Catalog, load_catalog, read_yaml
from careloop.errors import ContentError
from careloop.longitudinal.brief_content import brief_rules_of
from careloop.longitudinal.brief_model import KINDS, Brief, BriefRules, Finding
from careloop.longitudinal.rules.brief import compose

CASES = read_yaml((Path(__file__).parent / "briefs" / "brief.cases.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
_OURS = ("kind", "at", "private", "own")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def rules(catalog: Catalog) -> BriefRules:
    return brief_rules_of(catalog)


def _finding(number: int, line: dict[str, Any]) -> Finding:
    words = {name: str(value) for name, value in line.items() if name not in _OURS}
    assert set(words) <= KINDS[line["kind"]]
    return Finding(
        kind=line["kind"],
        words=words,
        href=f"/here/{number}",
        at=NOW - timedelta(days=line["at"]) if "at" in line else None,
        private=line.get("private", False),
        own=line.get("own", False),
    )


def _said(brief: Brief) -> dict[str, list[str]]:
    return {part.section.id: [line.words for line in part.lines] for part in brief.parts}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_case_is_so_in_whatever_order_it_was_found(case: dict[str, Any], rules: BriefRules) -> None:
    found = [_finding(number, line) for number, line in enumerate(case["found"])]
    for some in (found, found[::-1]):
        brief = compose(rules, some, NOW, private=case.get("private", True))
        said = _said(brief)
        assert {name: said[name] for name in case["then"]} == case["then"]
        assert brief.hidden == case.get("hidden", 0)
        for words, names in case.get("names", {}).items():
            line = next(line for part in brief.parts for line in part.lines if line.words == words)
            assert sorted(link.words for link in line.links) == names


_WORDS = st.text(st.sampled_from("ab "), max_size=200)
_VALUES = {
    "fact": {"type": ["Observation", "Condition", "Encounter", "MedicationRequest"], "flag": ["critical", "high", ""],
             "category": ["laboratory", "vital-signs"], "class": ["hospital", "visit"], "dated": ["recent", "old"],
             "change": ["new", "changed"], "status": ["active", "finished"], "trend": ["up", ""]},
    "step": {"state": ["late", "today", "soon", "later"], "place": ["own", "outside"],
             "pathway": ["referral", "safety-concern", "discharge-transition"], "step": ["contact", "sent"]},
    "contact": {"who": ["patient", "staff", "last"], "answered": ["yes", "no"]},
}  # fmt: skip


@st.composite
def _found(draw: st.DrawFn) -> Finding:
    kind = draw(st.sampled_from(sorted(KINDS)))
    choices = _VALUES.get(kind, {})
    words = {
        name: draw(st.sampled_from(choices[name])) if name in choices else draw(_WORDS) for name in sorted(KINDS[kind])
    }
    at = NOW - timedelta(days=draw(st.integers(0, 60)))
    return Finding(kind=kind, words=words, href=f"/{draw(st.integers(0, 99))}", source=draw(_WORDS), at=at)


@settings(max_examples=60, deadline=None)
@given(found=st.lists(_found(), max_size=60), random=st.randoms(use_true_random=False))
def test_the_limit_holds_the_order_does_not_matter_and_points_decide(
    rules: BriefRules, found: list[Finding], random: Random
) -> None:
    brief = compose(rules, found, NOW, private=True)
    assert brief.words <= rules.words
    assert brief.words == sum(
        len(part.section.title.split())
        + (0 if part.lines else len(part.section.empty.split()))
        + sum(len(f"{line.words} {' '.join(link.words for link in line.links)}".split()) for line in part.lines)
        + (3 if part.left else 0)
        for part in brief.parts
    )
    mixed = list(found)
    random.shuffle(mixed)
    assert _said(compose(rules, mixed, NOW, private=True)) == _said(brief)
    for part in brief.parts:
        assert [line.points for line in part.lines] == sorted((line.points for line in part.lines), reverse=True)
        assert len(part.lines) <= part.section.most


def test_every_rule_has_a_case(rules: BriefRules) -> None:
    used = {
        line.rule
        for case in CASES
        for part in compose(
            rules, [_finding(number, one) for number, one in enumerate(case["found"])], NOW, private=True
        ).parts
        for line in part.lines
    }
    assert {one.id for one in rules.rules} - used == set()


def test_a_name_that_means_nothing_is_a_fault() -> None:
    catalog = load_catalog()
    document = catalog.document("briefs", "brief")
    document["rules"][0]["says"] = "{name} of {nobody}"
    document["rules"][1]["section"] = "elsewhere"
    with pytest.raises(ContentError) as refused:
        brief_rules_of(catalog)
    assert [fault.at for fault in refused.value.faults] == [
        "briefs/brief.yaml: rules[0]: nobody", "briefs/brief.yaml: rules[1].section",
    ]  # fmt: skip
