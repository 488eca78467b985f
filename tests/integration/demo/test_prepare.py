"""The demo practice comes to be once, through the product's own doors, in an installation of its own."""

import shutil
import stat
from collections.abc import Iterator

import pytest
from tests.conftest import new_data_dir

from careloop.access import accounts
from careloop.access.passwords import verify_password
from careloop.db import release_database
from careloop.demo import prepare
from careloop.demo.prepare import FILE
from careloop.flows.app import App, build_app
from careloop.settings import Settings

PATIENTS = 60


@pytest.fixture(scope="module")
def demo() -> Iterator[App]:
    """An installation with the demo practice, made once for this module."""
    settings = Settings(data_dir=new_data_dir())
    app = build_app(settings)
    prepare(app, patients=PATIENTS, mllp_port=42575)
    yield app
    app.close()
    release_database(settings)
    shutil.rmtree(settings.data_dir, ignore_errors=True)


def test_both_practices_have_staff_who_can_sign_in_and_a_client(demo: App):
    access = prepare(demo, patients=PATIENTS, mllp_port=42575)
    assert {one.tenant for one in access.logins} == {"riverbend", "lakeside"}
    assert len(access.logins) == 20
    assert all(one.totp_secret for one in access.logins if one.role == "administrator")
    assert [one["scope"] for one in access["clients"]] == ["system/*.cruds"] * 2
    login = access.logins[1]
    with demo.database.transaction(demo.tenant(login.tenant).id) as tx:
        found = accounts.credentials(tx, login.username.split("@")[0])
    assert verify_password(found.password_hash, login.password)


def test_passwords_are_kept_for_their_owner_alone(demo: App):
    assert stat.S_IMODE((demo.settings.data_dir / FILE).stat().st_mode) == 0o600


def test_every_message_was_used_and_loops_stand_in_several_states(demo: App):
    with demo.database.transaction(demo.tenant("riverbend").id) as tx:
        inbox = tx.rows("select distinct status from inbox")
        clocks = {row["clock"] for row in tx.rows("select distinct clock from loop where closed is null")}
        people = tx.value("select count(*) from resource where type = 'Patient' and not deleted")
    assert inbox == [{"status": "processed"}]
    assert {"on-time", "overdue"} <= clocks
    assert people >= PATIENTS


def test_a_second_start_changes_nothing(demo: App):
    def last_change() -> int:
        with demo.database.transaction(demo.tenant("riverbend").id) as tx:
            return int(tx.value("select max(seq) from change_feed"))

    before = last_change()
    prepare(demo, patients=PATIENTS, mllp_port=42575)
    assert last_change() == before
