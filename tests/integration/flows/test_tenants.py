"""A tenant is made whole: organisation, queue with a lead who can sign in."""

import itertools
import os

import pytest

from careloop.access import accounts
from careloop.access.model import Role, system_principal
from careloop.errors import Conflict, NotAuthenticated, Rejected
from careloop.flows import staffing, tenants
from careloop.flows.accounts import sign_in
from careloop.flows.staffing import NewStaff

_numbers = itertools.count(1)


def slug() -> str:
    return f"made-{os.getpid()}-{next(_numbers)}"


def test_a_new_tenant_has_a_queue_that_a_named_person_answers_for(app):
    created = tenants.create(app, slug(), "Riverbend Practice", "America/New_York")
    with app.database.transaction(created.tenant.id) as tx:
        queue = app.record.fetch(tx, [f"CareTeam/{staffing.queue_id(created.tenant.id)}"])
        staff = accounts.staff(tx)
    team = next(iter(queue.values())).resource
    assert team["participant"][0]["member"]["reference"] == created.lead.member.reference
    assert [member.reference for member in staff] == [created.lead.member.reference]


def test_the_lead_can_sign_in_with_the_password_that_was_shown_once(app):
    created = tenants.create(app, slug(), "Riverbend Practice", "America/New_York")
    signed = sign_in(app, created.lead.username, created.lead.password, code=None, address="10.1.1.1")
    assert not signed.needs_code


def test_a_taken_slug_is_a_conflict_and_a_wrong_zone_is_refused(app):
    taken = slug()
    tenants.create(app, taken, "One", "America/New_York")
    with pytest.raises(Conflict):
        tenants.create(app, taken, "Two", "America/New_York")
    with pytest.raises(Rejected):
        tenants.create(app, slug(), "Three", "Mars/Olympus")


def test_an_interrupted_creation_is_finished_by_the_next_call(app):
    name = slug()
    with pytest.raises(Rejected):
        tenants.create(app, name, "X", "America/New_York", lead=NewStaff(username="a", name="A", roles=[]))
    created = tenants.create(app, name, "X", "America/New_York")
    assert created.tenant.slug == name


def test_a_disabled_account_is_out_at_once(app):
    created = tenants.create(app, slug(), "Riverbend Practice", "America/New_York")
    principal = system_principal(created.tenant.id, "test")
    dana = staffing.create_account(
        app, principal, created.tenant, NewStaff(username="dana", name="Dana Example", roles=[Role.COORDINATOR])
    )
    assert sign_in(app, dana.username, dana.password, code=None, address="10.1.1.2").token
    staffing.disable(app, principal, created.tenant, "dana")
    with pytest.raises(NotAuthenticated):
        sign_in(app, dana.username, dana.password, code=None, address="10.1.1.2")


def test_the_lead_of_the_queue_leaves_only_when_another_takes_over(app):
    created = tenants.create(app, slug(), "Riverbend Practice", "America/New_York")
    principal = system_principal(created.tenant.id, "test")
    mo = staffing.create_account(
        app, principal, created.tenant, NewStaff(username="mo", name="Mo Example", roles=[Role.MANAGER])
    )
    with pytest.raises(Conflict):
        staffing.disable(app, principal, created.tenant, "manager")
    with pytest.raises((Conflict, Rejected)):
        staffing.disable(app, principal, created.tenant, "manager", to="manager")
    staffing.disable(app, principal, created.tenant, "manager", to="mo")
    with app.database.transaction(created.tenant.id) as tx:
        queue = app.record.fetch(tx, [f"CareTeam/{staffing.queue_id(created.tenant.id)}"])
    assert next(iter(queue.values())).resource["participant"][0]["member"]["reference"] == mo.member.reference


def test_an_administrator_gets_a_second_factor(app):
    created = tenants.create(app, slug(), "Riverbend Practice", "America/New_York")
    principal = system_principal(created.tenant.id, "test")
    admin = staffing.create_account(
        app, principal, created.tenant, NewStaff(username="ada", name="Ada Example", roles=[Role.ADMINISTRATOR])
    )
    assert admin.totp_secret
    assert sign_in(app, admin.username, admin.password, code=None, address="10.1.1.3").needs_code
