"""A practice changes a rule: draft, rehearsal, a second person, what holds for whom, and back."""

import psycopg
import pytest

from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import engine, rehearsal_jobs
from careloop.flows import rule_changes as rules
from careloop.record import bulk

PATHWAY = "discharge-transition"
CONTACT = "steps.contact"


@pytest.fixture
def office(practice):
    """A practice with a second manager, Ida."""
    practice.hire_as("ida", "manager")
    practice.move_to("2026-03-31 12:00")
    return practice


def by(office, name, act, *rest, **more):
    """A manager does something with the rules, in a transaction of its own."""
    return office.run(lambda tx: act(office.app, tx, office.user(name), *rest, **more))


def page(office, name="mo", kind="pathways", rule=PATHWAY):
    return by(office, name, rules.page, kind, rule)


def draft(office, form, *, name="mo", kind="pathways", rule=PATHWAY, edition=None, note="Our calls are done in a day"):
    return by(office, name, rules.save, kind, rule, form, note=note, edition=edition)


def rehearsed(office, version, name="mo"):
    by(office, name, rules.ask_rehearsal, version, 30)
    assert rehearsal_jobs.run_next(office.app, office.app.tenant(office.tenant.id))


def published(office, form, **more):
    version = draft(office, form, **more)
    rehearsed(office, version)
    by(office, "mo", rules.send, version)
    by(office, "ida", rules.publish, version)
    return version


def faster(hours="24"):
    return {f"{CONTACT}.due.within.amount": hours, f"{CONTACT}.due.within.unit": "hours"}


def home(office, day="2026-03-31 08:00"):
    patient = office.patient()
    office.stay(patient, start="2026-03-25 08:00", end=day)
    return patient


def contact_due(office, patient):
    return office.step(patient, "contact").due.astimezone(office.zone).strftime("%Y-%m-%d %H:%M")


def test_what_is_published_holds_for_new_loops_and_running_ones_keep_theirs(office):
    before = home(office)
    version = published(office, faster())
    after = home(office)
    assert contact_due(office, before) == "2026-04-02 23:59"
    assert contact_due(office, after) == "2026-04-01 08:00"
    assert office.loop(before).state.version == "1.0.0"
    assert office.loop(after).state.version == "1.0.1001"
    office.move_to("2026-04-01 12:00")
    office.call(before, sent="2026-04-01 11:00")
    assert office.loop(before).state.version == "1.0.0"
    assert office.step(before, "contact").status == "completed"
    plan = office.run(lambda tx: office.app.record.fetch(tx, [f"PlanDefinition/{PATHWAY}"]))
    assert plan[f"PlanDefinition/{PATHWAY}"].resource["version"] == "1.0.1001"
    assert page(office).own.id == version


def test_another_practice_and_the_process_beside_live_by_their_own_rules(office, app):
    published(office, faster())
    neighbour = type(office).open(app)
    neighbour.move_to("2026-03-31 12:00")
    assert contact_due(neighbour, home(neighbour)) == "2026-04-02 23:59"
    beside = type(app)(app.settings, app.database, app.clock, app.catalog, app.record)
    with app.database.transaction(office.tenant.id) as tx:
        assert engine.catalog_for(beside, tx).pathways[PATHWAY]["version"] == "1.0.1001"


def test_nobody_publishes_what_they_wrote(office):
    version = draft(office, faster())
    draft(office, faster("30"), name="ida", edition=1)
    rehearsed(office, version)
    by(office, "mo", rules.send, version)
    for name in ("mo", "ida"):
        with pytest.raises(NotPermitted):
            by(office, name, rules.publish, version)
    office.hire_as("eva", "manager")
    by(office, "eva", rules.publish, version)
    assert page(office).own.reviewer_name == "Eva Example"
    with pytest.raises(psycopg.errors.CheckViolation), office.app.database.transaction(office.tenant.id) as tx:
        tx.execute("update rule_version set reviewer = authors[1]")


@pytest.mark.parametrize("name", ["dana", "nia", "osei"])
def test_only_managers_see_and_change_rules(office, name):
    with pytest.raises(NotPermitted):
        page(office, name)
    with pytest.raises(NotPermitted):
        draft(office, faster(), name=name)


def test_a_draft_is_rehearsed_as_it_is_before_it_is_sent(office):
    version = draft(office, faster())
    with pytest.raises(Rejected, match="rehearsal"):
        by(office, "mo", rules.send, version)
    rehearsed(office, version)
    draft(office, faster("20"), edition=1)
    with pytest.raises(Rejected, match="rehearsal"):
        by(office, "mo", rules.send, version)
    rehearsed(office, version)
    by(office, "mo", rules.send, version)
    assert page(office).rehearsal.report["versions"] == {"draft": "1.0.1001", "active": "1.0.0"}
    with pytest.raises(Conflict):
        draft(office, faster("10"), edition=2)


def test_two_who_change_one_draft_at_once(office):
    draft(office, faster())
    draft(office, faster("20"), edition=1)
    with pytest.raises(Conflict):
        draft(office, faster("22"), edition=1)
    with pytest.raises(Conflict):
        draft(office, faster("22"))


@pytest.mark.parametrize(
    ("form", "at", "rule"),
    [
        ({f"{CONTACT}.due.within.amount": "5", f"{CONTACT}.due.within.unit": "business-days"}, "within", "TR-20"),
        ({"steps.visit.due.by_tier.high.amount": "8", "steps.visit.due.by_tier.high.unit": "days"}, "high", "TR-25"),
        ({f"{CONTACT}.escalate.1.role": ""}, "escalate", "engine.md"),
    ],
)
def test_a_clock_set_from_outside_is_not_made_longer_and_somebody_is_called(office, form, at, rule):
    with pytest.raises(Rejected) as refused:
        draft(office, form)
    assert at in refused.value.faults[0].at
    assert rule in refused.value.faults[0].expected


def test_what_cannot_be_read_is_told_field_by_field(office):
    form = {f"{CONTACT}.due.within.amount": "soon", f"{CONTACT}.owner": "king", "steps.visit.title": "x"}
    with pytest.raises(Rejected) as refused:
        draft(office, form)
    assert {fault.at for fault in refused.value.faults} == {f"{CONTACT}.due.within", "steps.visit.title"}
    with pytest.raises(Rejected, match="role of staff"):
        draft(office, {f"{CONTACT}.owner": "king"})
    with pytest.raises(Rejected, match="a change"):
        draft(office, {})


def test_back_to_an_earlier_version_and_to_what_ships(office):
    first = published(office, faster())
    second = published(office, faster("12"))
    assert contact_due(office, home(office)) == "2026-03-31 20:00"
    with pytest.raises(Rejected):
        by(office, "mo", rules.roll_back, first, "")
    by(office, "mo", rules.roll_back, first, "Nobody can keep twelve hours")
    assert contact_due(office, home(office)) == "2026-04-01 08:00"
    by(office, "mo", rules.back_to_shipped, "pathways", PATHWAY, "As everybody does")
    last = home(office)
    assert (contact_due(office, last), office.loop(last).state.version) == ("2026-04-02 23:59", "1.0.0")
    found = page(office)
    assert [one.what for one in found.events][:3] == ["product", "republished", "published"]
    assert {one.id: one.status for one in found.versions} == {first: "retired", second: "retired"}
    for statement in ("delete from rule_version", "delete from rule_event", "update rule_event set why = 'x'"):
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with refused, office.app.database.transaction(office.tenant.id) as tx:
            tx.execute(statement)
    with pytest.raises(psycopg.errors.CheckViolation), office.app.database.transaction(office.tenant.id) as tx:
        tx.execute("update rule_version set document = '{}'")


def test_weights_of_a_practice_order_its_list(office):
    patient = home(office, "2026-03-31 10:00")
    draft_points = {"points.no_contact": "70"}
    version = draft(office, draft_points, kind="worklist", rule="rank", note="Calls come first here")
    rehearsed(office, version)
    report = page(office, kind="worklist", rule="rank").rehearsal.report
    assert (report["moved"], report["draft"]["now"], report["active"]["now"]) == (1, 1, 0)
    by(office, "mo", rules.send, version)
    by(office, "ida", rules.publish, version)
    office.move_to("2026-03-31 13:00")
    office.call(patient, sent="2026-03-31 12:30", reached=False)
    points = office.run(lambda tx: tx.value("select lasting_points from loop"))
    assert points >= 70


def test_a_rule_that_holds_costs_no_query(office, monkeypatch):
    from careloop.db import Transaction

    published(office, faster())
    home(office)
    asked = []
    run = Transaction._run
    monkeypatch.setattr(Transaction, "_run", lambda self, sql, given: asked.append(sql) or run(self, sql, given))
    home(office)
    assert asked
    assert not [sql for sql in asked if "rule_version" in sql]


def test_rules_go_with_everything_else_that_a_practice_owns(office):
    version = published(office, faster())
    lines = office.run(lambda tx: [*bulk.table_lines(tx, "rule_version"), *bulk.table_lines(tx, "rule_event")])
    assert version in lines[0][0] and [word in lines[1][-1] for word in ("published", "Ida Example")] == [True, True]
