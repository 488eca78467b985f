"""The cases of who is who (tests/content/matching) hold for the weights and rules that ship."""

from pathlib import Path
from typing import Any

import pytest

from careloop.catalog import read_yaml
from careloop.identity.likeness import shipped_likeness
from careloop.identity.model import Address, Comparison, Demographics, Grade, Identifier

CASES = read_yaml((Path(__file__).parent / "matching" / "people.cases.yaml").read_text(encoding="utf-8"))
LIKENESS = shipped_likeness()


def person(known: dict[str, Any]) -> Demographics:
    """A record as a case writes it."""
    fields = dict(known)
    home = Address(line=fields.pop("line"), city=fields.pop("city"), postal_code=fields.pop("postal_code"))
    ssn = fields.pop("ssn", "")
    lists = {name: tuple(fields.pop(name)) for name in ("given", "phones", "former") if name in fields}
    weak = (Identifier(system="http://hl7.org/fhir/sid/us-ssn", value=ssn),) if ssn else ()
    return Demographics(**fields, **lists, addresses=(home,), weak=weak)


def outcome(compared: Comparison) -> str:
    if compared.grade is Grade.CERTAIN:
        return "certain"
    return "ask" if compared.points >= LIKENESS.review else "apart"


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_a_case_has_its_outcome_whichever_comes_first(case: dict[str, Any]):
    base = {**CASES["base"], **case.get("both", {})}
    left, right = (person({**base, **case.get(side, {})}) for side in ("left", "right"))
    told = outcome(LIKENESS.compare(left, right)), outcome(LIKENESS.compare(right, left))
    assert told == (case["expect"], case["expect"]), LIKENESS.compare(left, right)
    if case["expect"] != "apart":
        assert LIKENESS.keys(left) & LIKENESS.keys(right), "nobody would compare them"
