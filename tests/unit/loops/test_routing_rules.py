"""Licence, language, panel, minutes, absence and competency decide who owns a step, and each is told in the reason."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.loops.ownership import Away, Candidate, Licence, Need, Routing, choose_owner, unfit

DUE = date(2026, 6, 10)
NEED = Need(day=DUE, licensed=True)
UNTIL = datetime(2026, 6, 19, 22, 0, tzinfo=UTC)


def nurse(name, **more):
    return Candidate(reference=f"Practitioner/{name}", name=name.title(), roles=frozenset({"nurse"}), **more)


def away(who, cover=None):
    return Away(who=f"{who.title()} ({who})", until=UNTIL, cover=cover and f"Practitioner/{cover}")


def chosen(*staff, need=NEED, role="nurse", **more):
    values = {"team": {}, "loads": {}, "queue": "CareTeam/queue", **more}
    return choose_owner(role, Routing(staff=staff, **values), need)


def licence(*states, last=None):
    return (Licence(states=frozenset(states), last=last),)


def test_of_two_who_may_the_one_with_fewer_minutes_owns_it_and_the_reason_says_so():
    choice = chosen(nurse("ana"), nurse("bea"), loads={"Practitioner/ana": 200, "Practitioner/bea": 30})
    assert choice.owner == "Practitioner/bea"
    assert "30 min" in choice.why


def test_heads_do_not_count_but_minutes_do():
    loads = {"Practitioner/ana": 15, "Practitioner/bea": 90}
    assert chosen(nurse("ana"), nurse("bea"), loads=loads).owner == "Practitioner/ana"


def test_who_speaks_the_language_comes_before_who_has_less_to_do():
    staff = (nurse("ana"), nurse("bea", languages=frozenset({"es"})))
    choice = chosen(*staff, loads={"Practitioner/bea": 300}, language="es")
    assert choice.owner == "Practitioner/bea"
    assert "speaks es" in choice.why


def test_a_licence_of_another_state_passes_somebody_over_and_says_where():
    choice = chosen(nurse("ana", licences=licence("NH")), nurse("bea", licences=licence("MA", "VT")), state="MA")
    assert choice.owner == "Practitioner/bea"
    assert "licensed in MA" in choice.why


def test_a_licence_counts_through_its_last_day_only():
    ends = nurse("ana", licences=licence("MA", last=date(2026, 6, 9)))
    assert "not licensed in MA" in chosen(ends, state="MA").why
    assert chosen(ends, state="MA", need=Need(day=date(2026, 6, 9), licensed=True)).owner == "Practitioner/ana"


def test_nobody_is_refused_for_a_licence_that_nobody_recorded():
    assert chosen(nurse("ana"), state="MA").owner == "Practitioner/ana"


@pytest.mark.parametrize(
    ("due", "owner"), [(date(2026, 6, 10), "Practitioner/ana"), (date(2026, 6, 11), "CareTeam/queue")]
)
def test_programme_case_2_a_competency_must_be_valid_on_the_due_date(due, owner):
    need = Need(day=due, competencies={"transitions": "transitions competency"})
    choice = chosen(nurse("ana", competencies={"transitions": date(2026, 6, 10)}), need=need)
    assert choice.owner == owner
    assert ("valid through Wed 10 Jun 2026 only" in choice.why) == (owner == "CareTeam/queue")


def test_a_course_that_was_never_taken_is_not_on_record():
    need = Need(day=DUE, competencies={"privacy": "privacy course"})
    assert unfit(nurse("ana"), "nurse", need, "") == "privacy course not on record"


def test_who_is_away_is_replaced_by_the_cover():
    team = {"nurse": ["Practitioner/ana"]}
    choice = chosen(nurse("ana", away=away("ana", "bea")), nurse("bea"), nurse("cho"), team=team)
    assert choice.owner == "Practitioner/bea"
    assert choice.why == "covers for Ana (ana), away until Fri 19 Jun 2026"


def test_without_a_cover_routing_goes_on_and_says_who_was_passed_over():
    choice = chosen(nurse("ana", away=away("ana")), nurse("bea"), team={"nurse": ["Practitioner/ana"]})
    assert choice.owner == "Practitioner/bea"
    assert "passed over: Ana (away until Fri 19 Jun 2026)" in choice.why


def test_a_cover_who_may_not_do_the_work_does_not_get_it():
    need = Need(day=DUE, competencies={"triage": "triage competency"})
    fit = {"triage": date(2027, 1, 1)}
    staff = (nurse("ana", away=away("ana", "bea"), competencies=fit), nurse("bea"), nurse("cho", competencies=fit))
    assert chosen(*staff, team={"nurse": ["Practitioner/ana"]}, need=need).owner == "Practitioner/cho"


def test_the_patients_own_physician_comes_before_all_other_physicians():
    doctors = [Candidate(reference=f"Practitioner/{name}", name=name, roles=frozenset({"physician"})) for name in "ab"]
    choice = chosen(*doctors, role="physician", physician="Practitioner/b", loads={"Practitioner/b": 900})
    assert (choice.owner, choice.why) == ("Practitioner/b", "the patient's own physician")


def test_the_lead_has_the_coordinators_work():
    staff = [Candidate(reference=f"Practitioner/{name}", name=name, roles=frozenset({"coordinator"})) for name in "ab"]
    choice = chosen(*staff, role="coordinator", lead="Practitioner/b", team={"coordinator": ["Practitioner/a"]})
    assert (choice.owner, choice.why) == ("Practitioner/b", "lead coordinator of the patient")


people = st.builds(
    Candidate,
    reference=st.integers(0, 5).map(lambda number: f"Practitioner/{number}"),
    name=st.just("N"),
    roles=st.frozensets(st.sampled_from(["nurse", "coordinator", "physician"]), min_size=1),
    languages=st.frozensets(st.sampled_from(["es", "vi"])),
    licences=st.lists(
        st.builds(Licence, states=st.just(frozenset({"MA"})), last=st.none() | st.just(DUE)), max_size=1
    ).map(tuple),
    competencies=st.dictionaries(st.just("triage"), st.dates(date(2026, 1, 1), date(2027, 1, 1))),
    away=st.none()
    | st.builds(Away, who=st.just("N (n)"), until=st.just(UNTIL), cover=st.none() | st.just("Practitioner/1")),
)
references = st.integers(0, 6).map(lambda number: f"Practitioner/{number}")


@given(
    staff=st.lists(people, max_size=6, unique_by=lambda one: one.reference),
    team=st.dictionaries(st.sampled_from(["nurse", "coordinator"]), st.lists(references, max_size=3)),
    role=st.sampled_from(["nurse", "coordinator", "physician", "pharmacist"]),
    lead=st.none() | references,
    state=st.sampled_from(["", "MA", "NH"]),
    asks=st.booleans(),
)
def test_there_is_always_one_owner_who_is_here_and_may_do_it(staff, team, role, lead, state, asks):
    need = Need(day=DUE, licensed=True, competencies={"triage": "triage competency"} if asks else {})
    choice = chosen(*staff, role=role, team=team, lead=lead, state=state, need=need)
    known = {one.reference: one for one in staff}
    assert choice.why
    assert choice.owner == "CareTeam/queue" or known[choice.owner].away is None
    assert choice.owner == "CareTeam/queue" or unfit(known[choice.owner], role, need, state) is None
