"""Who should own a step."""

import pytest

from careloop.loops.ownership import Candidate, Routing, choose_owner, team_of

DANA = Candidate(reference="Practitioner/dana", name="Dana", roles=frozenset({"coordinator"}))
EVE = Candidate(reference="Practitioner/eve", name="Eve", roles=frozenset({"coordinator"}))
NIA = Candidate(reference="Practitioner/nia", name="Nia", roles=frozenset({"nurse"}))


def routing(team=None, staff=(DANA, EVE, NIA), loads=None):
    return Routing(team=team or {}, staff=staff, loads=loads or {}, queue="CareTeam/queue")


def test_the_member_of_the_care_team_with_the_role_comes_first():
    team = {"nurse": ["Practitioner/nia"], "coordinator": ["Practitioner/eve"]}
    assert choose_owner("nurse", routing(team)).owner == "Practitioner/nia"


def test_without_such_a_member_the_lead_coordinator_owns_it():
    choice = choose_owner("physician", routing({"coordinator": ["Practitioner/eve"]}))
    assert choice.owner == "Practitioner/eve"
    assert "physician" in choice.why


def test_without_a_care_team_the_least_loaded_of_the_role_owns_it():
    loads = {"Practitioner/dana": 9, "Practitioner/eve": 3}
    assert choose_owner("coordinator", routing(loads=loads)).owner == "Practitioner/eve"


def test_when_nobody_has_the_role_the_queue_owns_it():
    assert choose_owner("pharmacist", routing()).owner == "CareTeam/queue"


def test_a_team_member_who_left_the_staff_owns_nothing():
    team = {"nurse": ["Practitioner/gone"]}
    assert choose_owner("nurse", routing(team)).owner == "Practitioner/nia"


@pytest.mark.parametrize(("status", "expected"), [("active", {"nurse": ["Practitioner/nia"]}), ("inactive", {})])
def test_only_active_care_teams_count(status, expected):
    role = {"coding": [{"system": "urn:careloop:role", "code": "nurse"}]}
    team = {"status": status, "participant": [{"role": [role], "member": {"reference": "Practitioner/nia"}}]}
    assert team_of([team]) == expected
