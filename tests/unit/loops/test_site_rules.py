"""What a practice may change in a rule that ships, and what not; every refusal names its rule."""

import copy

import pytest

from careloop.catalog import load_catalog
from careloop.loops.pathways import read_calendar
from careloop.loops.site_rules import site_faults

CATALOG = load_catalog()
CALENDAR = read_calendar(CATALOG)
NAME = "discharge-transition"
OUTSIDE = CATALOG.document("worklist", "rank")["outside_clocks"][NAME]


def refused(change, name=NAME, outside=OUTSIDE, *, safety=False):
    base = CATALOG.pathways[name]
    draft = copy.deepcopy(dict(base))
    change(draft)
    return site_faults("pathways", base, draft, outside, CALENDAR, safety=safety)


def test_nobody_is_taken_off_the_ladder_of_a_matter_of_safety():
    first = CATALOG.pathways["symptom-alert"]["steps"][0]
    fewer = lambda draft: draft["steps"][0].update(escalate=first["escalate"][:1])  # noqa: E731
    assert refused(fewer, "symptom-alert", ()) == []
    [fault] = refused(fewer, "symptom-alert", (), safety=True)
    assert fault.at == f"steps.{first['id']}.escalate"


def step(draft, step_id):
    return next(one for one in draft["steps"] if one["id"] == step_id)


ALLOWED = {
    "a title": lambda draft: draft.update(title="After the stay", version="1.0.1001", status="draft"),
    "the window": lambda draft: draft["window"].update(within="20 days"),
    "an owner": lambda draft: step(draft, "contact").update(owner={"role": "nurse"}),
    "a shorter clock": lambda draft: step(draft, "contact")["due"].update(within="24 hours"),
    "a clock of ours": lambda draft: step(draft, "discharge-summary")["due"].update(within="20 days"),
    "an aim": lambda draft: step(draft, "home-visit")["due"].update(target="60 hours"),
    "who is called": lambda draft: step(draft, "contact").update(escalate=[{"after": "due", "to": {"role": "nurse"}}]),
    "one step more": lambda draft: draft["steps"].append({**step(draft, "contact"), "id": "second-call"}),
}
REFUSED = {
    "no proof": (
        lambda draft: step(draft, "contact").update(done_when={"resource": "Task"}), "contact.done_when", "TR-20",
    ),
    "no step": (lambda draft: draft["steps"].pop(3), "steps.discharge-summary", "TR-29"),
    "earlier proof": (lambda draft: step(draft, "visit").update(counts="during-or-after"), "visit.counts", "TR-25"),
    "other patients": (
        lambda draft: step(draft, "home-visit").update(only_when={"tier": "standard"}), "only_when", "TR-28",
    ),
    "fewer tries": (lambda draft: step(draft, "contact")["attempts"].update(enough=1), "contact.attempts", "TR-22"),
    "other opening": (lambda draft: draft["opens_when"].update({"class": ["IMP"]}), "opens_when", "ui.md 4.3"),
    "other end": (lambda draft: draft["ends_when"].pop(), "ends_when", "ui.md 4.3"),
    "a longer clock": (lambda draft: step(draft, "contact")["due"].update(within="3 days"), "due.within", "TR-20"),
    "a longer tier": (
        lambda draft: step(draft, "visit")["due"]["by_tier"].update(standard="15 days"), "standard", "TR-25",
    ),
    "another kind of clock": (
        lambda draft: step(draft, "contact").update(due={"date_of": "visit", "rule": "TR-20"}), "due", "TR-20",
    ),
    "nobody called": (lambda draft: step(draft, "contact").pop("escalate"), "contact.escalate", "engine.md 1.5"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALLOWED)
def test_this_is_for_a_practice_to_change(what):
    assert refused(ALLOWED[what]) == []


@pytest.mark.parametrize("what", REFUSED)
def test_this_is_not(what):
    change, place, rule = REFUSED[what]
    [fault] = refused(change)
    assert place in fault.at
    assert rule in fault.expected


def test_three_days_are_longer_than_two_business_days_although_not_over_a_weekend():
    longer = refused(lambda draft: step(draft, "contact")["due"].update(within="3 days"))
    assert "at most 2 business-days" in longer[0].expected
    assert refused(lambda draft: step(draft, "contact")["due"].update(within="1 day")) == []


def test_weights_change_and_what_comes_first_does_not():
    base = CATALOG.document("worklist", "rank")
    points = {**base["points"], "own_late": {**base["points"]["own_late"], "points": 25}}
    assert site_faults("worklist", base, {**base, "points": points, "now_from": 50}, (), CALENDAR) == []
    [fault] = site_faults("worklist", base, {**base, "safety_pathways": []}, (), CALENDAR)
    assert fault.at == "safety_pathways"
