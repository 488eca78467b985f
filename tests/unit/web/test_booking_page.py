"""Whose free times the booking page offers where nobody is named."""

from careloop.access.accounts import StaffMember
from careloop.access.model import Role
from careloop.catalog import load_catalog
from careloop.scheduling.content import visits_of
from careloop.web.staff.schedule import _holds


def member(role: Role) -> StaffMember:
    return StaffMember(
        account_id="a", username="a", practitioner_id="a", name="A", roles=frozenset({role}), active=True
    )


def test_an_office_visit_is_a_physicians_and_a_home_visit_is_not_a_coordinators() -> None:
    kinds = visits_of(load_catalog()).kinds
    assert _holds(member(Role.PHYSICIAN), kinds["office"]) and not _holds(
        member(Role.COMMUNITY_HEALTH_WORKER), kinds["office"]
    )
    assert _holds(member(Role.COMMUNITY_HEALTH_WORKER), kinds["home"])
    assert not _holds(member(Role.COORDINATOR), kinds["home"])
