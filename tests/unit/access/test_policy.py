"""Everything is denied that no line permits."""

import pytest

from careloop.access.model import Principal, PrincipalKind, Role, system_principal
from careloop.access.policy import Action, Interaction, may, may_act, require, require_action
from careloop.errors import NotPermitted


def user(*roles: Role) -> Principal:
    return Principal(tenant_id=1, kind=PrincipalKind.USER, id="u", name="U", roles=frozenset(roles))


def client(*scopes: str) -> Principal:
    return Principal(tenant_id=1, kind=PrincipalKind.CLIENT, id="c", name="C", scopes=scopes)


def test_nobody_may_anything_without_role_or_scope():
    for interaction in Interaction:
        assert not may(user(), interaction, "Patient")
        assert not may(client(), interaction, "Patient")
    for action in Action:
        assert not may_act(user(), action)
        assert not may_act(client(), action)


def test_an_interaction_that_nobody_has_heard_of_is_denied_to_all_but_by_no_role():
    assert not may(user(*Role), "purge", "Patient")
    assert not may(system_principal(1, "x"), "purge", "Patient")


def test_nobody_writes_the_audit_trail_through_a_door():
    for principal in (user(*Role), client("system/*.cruds"), system_principal(1, "x")):
        for interaction in (Interaction.CREATE, Interaction.UPDATE, Interaction.PATCH, Interaction.DELETE):
            assert not may(principal, interaction, "AuditEvent")


def test_the_audit_trail_is_read_by_managers_and_administrators_only():
    readers = {role for role in Role if may(user(role), Interaction.SEARCH, "AuditEvent")}
    assert readers == {Role.MANAGER, Role.ADMINISTRATOR}


def test_no_role_deletes():
    assert not any(may(user(role), Interaction.DELETE, "Observation") for role in Role)


def test_only_prescribers_write_medication_requests():
    assert {role for role in Role if may(user(role), Interaction.CREATE, "MedicationRequest")} == {Role.PHYSICIAN}


def test_only_administrators_manage_accounts_among_people():
    assert {role for role in Role if may_act(user(role), Action.ACCOUNT_MANAGE)} == {Role.ADMINISTRATOR}
    assert not may_act(client("system/*.cruds"), Action.ACCOUNT_MANAGE)


def test_a_biller_works_no_loop():
    assert not may_act(user(Role.BILLER), Action.LOOP_WORK)
    assert not may(user(Role.BILLER), Interaction.UPDATE, "Task")


@pytest.mark.parametrize(
    ("scope", "interaction", "resource_type", "permitted"),
    [
        ("system/*.rs", Interaction.READ, "Patient", True),
        ("system/*.rs", Interaction.HISTORY, "Patient", True),
        ("system/*.rs", Interaction.CREATE, "Patient", False),
        ("system/Patient.r", Interaction.READ, "Patient", True),
        ("system/Patient.r", Interaction.SEARCH, "Patient", False),
        ("system/Patient.r", Interaction.READ, "Observation", False),
        ("system/*.cruds", Interaction.DELETE, "Observation", True),
        ("user/*.cruds", Interaction.READ, "Patient", False),
    ],
)
def test_a_client_may_what_its_scope_says(scope, interaction, resource_type, permitted):
    assert may(client(scope), interaction, resource_type) is permitted


def test_require_raises_and_never_names_what_it_was_about_but_its_type():
    with pytest.raises(NotPermitted):
        require(user(), Interaction.READ, "Patient")
    with pytest.raises(NotPermitted):
        require_action(user(), Action.WORKLIST_READ)
    require(user(Role.NURSE), Interaction.READ, "Patient")
    require_action(user(Role.NURSE), Action.WORKLIST_READ)
