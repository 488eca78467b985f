"""Every worked case of content/engagement holds: the contact budget, and who is told of what."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from careloop.catalog import load_catalog, read_yaml
from careloop.engagement.contacts import rules
from careloop.engagement.contacts.content import budget_of
from careloop.engagement.contacts.model import Choice, Contact, Wish
from careloop.engagement.notices import rules as telling
from careloop.engagement.notices.content import rules_of
from careloop.engagement.notices.model import Concerned, Event

HERE = Path(__file__).parent / "engagement"
BUDGET = read_yaml((HERE / "contact-budget.cases.yaml").read_text())
TOLD = read_yaml((HERE / "notices.cases.yaml").read_text())
STAFF = ("dana", "nia", "osei", "mo")


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def _at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def _made(line: str, number: int, zone: ZoneInfo) -> Contact:
    when, medium, *more = line.split()
    word = more[0] if more else ""
    return Contact(
        reference=f"Communication/{number}",
        at=_at(when, zone),
        medium=medium,
        answered=word == "answered",
        failure="" if word in ("answered", "agreed") else word,
        agreed=word == "agreed",
    )


@pytest.mark.parametrize("case", BUDGET, ids=lambda case: case["case"])
def test_the_budget_says_so(case, catalog):
    budget, zone = budget_of(catalog), ZoneInfo(case.get("zone", "America/New_York"))
    made = [_made(line, number, zone) for number, line in enumerate(case["made"])]
    wish = dict(case["wish"])
    if "deadline" in wish:
        wish["deadline"] = _at(wish["deadline"], zone)
    choice, now = Choice(refused=frozenset(case.get("refused", ()))), _at(case["now"], zone)
    found = rules.verdict(Wish(**wish), made, choice, budget, now, zone)
    best = rules.best(rules.tried(made, budget, now, zone), budget)
    said = {
        "allowed": found.allowed,
        "rule": found.rule,
        "way": found.medium,
        "spent": found.spent,
        "until": found.not_before,
        "silent": rules.silent_tries(made, budget, now),
        "best": best and {"band": best.band, "reached": best.reached, "tries": best.tries},
    }
    expected = dict(case["then"])
    if "until" in expected:
        expected["until"] = _at(expected["until"], zone)
    assert {name: said[name] for name in expected} == expected


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case["case"])
def test_those_are_told_and_nobody_else(case, catalog):
    kind = rules_of(catalog).kinds[case["kind"]]
    event = Event(
        id=1, at=datetime(2026, 6, 5, 15, tzinfo=UTC), kind=kind.id, patient_id="p", thing="Loop/1", state="x",
        says="x", whom=_ref(case.get("whom", "")), by=_ref(case.get("by", "")), owner=_ref(case.get("owner", "")),
        pathway=case.get("pathway", ""),
    )  # fmt: skip
    concerned = Concerned(
        lead=_ref(case.get("lead", "dana")),
        on_call=tuple(_ref(one) for one in case.get("on_call", ["nia"])),
        queue=_ref("queue"),
        queue_lead=_ref("mo"),
        cover={_ref("away"): _ref("nia"), _ref("gone"): _ref("mo")},
        may_see=frozenset(_ref(one) for one in STAFF),
    )
    assert list(telling.told(kind, event, concerned)) == [_ref(one) for one in case["then"]]


def test_every_rule_that_decides_has_a_case():
    named = " ".join(one["case"] for one in (*BUDGET, *TOLD)) + " ".join(str(one["then"]) for one in BUDGET)
    wanted = {f"CB-{number:02}" for number in range(1, 11)} | {f"NT-0{number}" for number in range(1, 10)}
    assert {rule for rule in wanted if rule not in named} == set()


def _ref(name: str) -> str:
    return "CareTeam/queue" if name == "queue" else f"Practitioner/{name}" if name else ""
