"""Signing in: right, wrong, too often, with a second factor, and over."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pyotp
import pytest
from argon2 import PasswordHasher

from careloop.access import accounts, passwords
from careloop.access.accounts import NewAccount, StaffMember
from careloop.access.keys import Keyring, open_keyring
from careloop.access.model import Role, Tenant
from careloop.access.sessions import end_sessions_of, tenant_of
from careloop.db import Database
from careloop.errors import Conflict, NotAuthenticated, Rejected, Throttled
from careloop.flows.accounts import confirm_code, current_session, sign_in, sign_out, sweep

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

PASSWORD = "velvet anchor 9 tundra"
LIGHT = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = LIGHT.hash(PASSWORD)
SECRET = pyotp.random_base32()


@pytest.fixture
def keys(settings) -> Keyring:
    return open_keyring(settings.data_dir)


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch) -> Iterator[None]:
    """Hashes that cost next to nothing; the test of times takes the real ones."""
    monkeypatch.setattr(passwords, "_hasher", LIGHT)
    passwords._nobodys_hash.cache_clear()
    yield
    passwords._nobodys_hash.cache_clear()


@pytest.fixture(autouse=True)
def no_counts(database: Database) -> Iterator[None]:
    """Each test starts without tries of another: addresses are the same."""
    yield
    with database.directory() as tx:
        tx.execute("delete from sign_in_throttle")


def account(database: Database, keys: Keyring, tenant: Tenant, username: str, *roles: Role, **more) -> StaffMember:
    with database.transaction(tenant.id) as tx:
        return accounts.create_account(
            tx,
            keys,
            START,
            NewAccount(
                id=f"acc-{username}",
                username=username,
                name=f"{username.title()} Example",
                practitioner_id=f"prac-{username}",
                roles=roles or (Role.COORDINATOR,),
                password_hash=HASH,
                **more,
            ),
        )


@pytest.fixture
def dana(database, keys, tenant) -> str:
    account(database, keys, tenant, "dana")
    return f"dana@{tenant.slug}"


@pytest.fixture
def ada(database, keys, tenant) -> str:
    account(database, keys, tenant, "ada", Role.ADMINISTRATOR, totp_secret=SECRET)
    return f"ada@{tenant.slug}"


def enter(app, username, password=PASSWORD, code=None, address="10.0.0.1"):
    return sign_in(app, username, password, code=code, address=address)


def code_at(clock) -> str:
    return pyotp.TOTP(SECRET).at(clock.now())


def test_the_right_password_opens_a_session_of_this_tenant(app, tenant, dana):
    signed = enter(app, dana)
    session = current_session(app, signed.token)
    assert tenant_of(signed.token) == tenant.id
    assert session.account.username == "dana"


def test_letters_may_be_large_or_small_and_blanks_stand_around(app, dana):
    assert enter(app, f"  {dana.upper()} ").token


def test_each_sign_in_has_another_token(app, dana):
    assert enter(app, dana).token != enter(app, dana).token


@pytest.mark.parametrize("wrong", ["dana", "@", "dana@", "dana@nowhere", "nobody@{slug}", "dana@{slug}@x", ""])
def test_a_wrong_name_and_a_wrong_password_get_the_same_words(app, tenant, dana, wrong):
    with pytest.raises(NotAuthenticated) as for_password:
        enter(app, dana, "not the password")
    with pytest.raises(NotAuthenticated) as for_name:
        enter(app, wrong.format(slug=tenant.slug))
    assert for_password.value.message == for_name.value.message


def test_unknown_names_take_as_long_as_wrong_passwords(app, database, tenant, dana, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())
    with database.transaction(tenant.id) as tx:
        accounts.set_password(tx, "acc-dana", passwords.hash_password(PASSWORD))
    passwords.verify_password(None, "so that the hash of nobody is made before the clock runs")

    def seconds(username: str, address: str) -> float:
        started = time.perf_counter()
        with pytest.raises(NotAuthenticated):
            enter(app, username, "not the password", address=address)
        return time.perf_counter() - started

    known = statistics.median(seconds(dana, f"10.2.0.{n}") for n in range(7))
    unknown = statistics.median(seconds(f"nobody{n}@{tenant.slug}", f"10.2.1.{n}") for n in range(7))
    nowhere = statistics.median(seconds(f"nobody{n}@nowhere", f"10.2.2.{n}") for n in range(7))
    assert 0.5 < unknown / known < 2
    assert 0.5 < nowhere / known < 2


def test_a_name_is_taken_once(database, keys, tenant, dana):
    with pytest.raises(Conflict):
        account(database, keys, tenant, "dana")


def test_an_administrator_needs_a_second_factor(app, database, keys, tenant, clock, ada):
    with pytest.raises(Rejected):
        account(database, keys, tenant, "eve", Role.ADMINISTRATOR)
    waiting = enter(app, ada)
    assert waiting.needs_code
    with pytest.raises(NotAuthenticated):
        current_session(app, waiting.token)
    opened = confirm_code(app, waiting.token, code_at(clock), address="10.0.0.1")
    assert opened.token != waiting.token
    assert current_session(app, opened.token).account.username == "ada"
    with pytest.raises(NotAuthenticated):
        confirm_code(app, waiting.token, code_at(clock), address="10.0.0.1")


def test_a_code_works_once(app, clock, ada):
    code = code_at(clock)
    assert not enter(app, ada, code=code).needs_code
    with pytest.raises(NotAuthenticated):
        enter(app, ada, code=code)
    clock.move_by(seconds=30)
    assert enter(app, ada, code=code_at(clock)).token


def test_a_code_of_the_day_before_is_wrong(app, clock, ada):
    code = code_at(clock)
    clock.move_by(days=1)
    with pytest.raises(NotAuthenticated):
        enter(app, ada, code=code)


def test_a_code_does_not_open_without_the_password(app, clock, ada):
    with pytest.raises(NotAuthenticated):
        enter(app, ada, "not the password", code=code_at(clock))
    assert enter(app, ada, code=code_at(clock)).token


def test_a_waiting_sign_in_is_over_after_five_minutes(app, clock, ada):
    waiting = enter(app, ada)
    clock.move_by(minutes=5, seconds=1)
    with pytest.raises(NotAuthenticated):
        confirm_code(app, waiting.token, code_at(clock), address="10.0.0.1")


def test_the_secret_of_the_second_factor_is_not_in_the_database(database, tenant, ada):
    with database.transaction(tenant.id) as tx:
        stored = tx.value("select totp_secret from account where username = 'ada'")
    assert SECRET.encode() not in bytes(stored)


def test_guessing_from_one_address_is_stopped(app, dana):
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            enter(app, dana, "not the password")
    with pytest.raises(Throttled) as refused:
        enter(app, dana)
    assert 1 <= refused.value.retry_after_seconds <= 30


def test_the_wait_ends_and_grows(app, clock, dana):
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            enter(app, dana, "not the password")
    clock.move_by(seconds=31)
    with pytest.raises(NotAuthenticated):
        enter(app, dana, "not the password")
    clock.move_by(seconds=31)
    with pytest.raises(Throttled):
        enter(app, dana)
    clock.move_by(seconds=31)
    assert enter(app, dana).token
    with pytest.raises(NotAuthenticated):
        enter(app, dana, "not the password")


def test_guessing_from_everywhere_does_not_lock_out_the_owner(app, dana):
    assert enter(app, dana, address="10.9.9.9").token
    for number in range(25):
        with pytest.raises((NotAuthenticated, Throttled)):
            enter(app, dana, "not the password", address=f"10.3.0.{number}")
    with pytest.raises(Throttled):
        enter(app, dana, "not the password", address="10.3.1.1")
    assert enter(app, dana, address="10.9.9.9").token


def test_an_address_that_tries_many_names_is_stopped(app, tenant, dana):
    for number in range(30):
        with pytest.raises(NotAuthenticated):
            enter(app, f"nobody{number}@{tenant.slug}", "x", address="10.4.0.1")
    with pytest.raises(Throttled):
        enter(app, dana, address="10.4.0.1")
    assert enter(app, dana, address="10.4.0.2").token


def test_wrong_codes_count_as_wrong_passwords(app, ada):
    waiting = enter(app, ada)
    for _ in range(4):
        with pytest.raises(NotAuthenticated):
            confirm_code(app, waiting.token, "000000", address="10.0.0.1")
    with pytest.raises(Throttled):
        confirm_code(app, waiting.token, "000000", address="10.0.0.1")


def test_a_session_ends_after_a_quarter_of_an_hour_without_use(app, clock, dana):
    token = enter(app, dana).token
    for _ in range(3):
        clock.move_by(minutes=14, seconds=59)
        current_session(app, token)
    clock.move_by(minutes=15)
    with pytest.raises(NotAuthenticated):
        current_session(app, token)


def test_a_session_ends_after_twelve_hours_however_busy(app, clock, dana):
    token = enter(app, dana).token
    for _ in range(71):
        clock.move_by(minutes=10)
        current_session(app, token)
    clock.move_by(minutes=10)
    with pytest.raises(NotAuthenticated):
        current_session(app, token)


def test_signing_out_ends_the_session_on_the_server(app, dana):
    token = enter(app, dana).token
    other = enter(app, dana).token
    sign_out(app, current_session(app, token), address="10.0.0.1")
    with pytest.raises(NotAuthenticated):
        current_session(app, token)
    assert current_session(app, other)


def test_a_disabled_account_and_ended_sessions_are_out_at_once(app, database, tenant, clock, dana):
    token = enter(app, dana).token
    with database.transaction(tenant.id) as tx:
        end_sessions_of(tx, "acc-dana")
    with pytest.raises(NotAuthenticated):
        current_session(app, token)
    token = enter(app, dana).token
    with database.transaction(tenant.id) as tx:
        accounts.disable_account(tx, "acc-dana", clock.now())
    for attempt in (lambda: current_session(app, token), lambda: enter(app, dana)):
        with pytest.raises(NotAuthenticated):
            attempt()


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + ("a" if t[-1] != "a" else "b"), lambda t: "", lambda t: "cls_1." + "a" * 43]
)
def test_a_forged_token_opens_nothing(app, dana, change):
    with pytest.raises(NotAuthenticated):
        current_session(app, change(enter(app, dana).token))


def test_a_token_of_one_tenant_opens_nothing_in_another(app, other_tenant, dana):
    _, dot, rest = enter(app, dana).token.partition(".")
    with pytest.raises(NotAuthenticated):
        current_session(app, f"cls_{other_tenant.id}{dot}{rest}")


def test_tokens_and_passwords_are_not_in_the_database(app, database, tenant, dana):
    token = enter(app, dana).token
    with database.transaction(tenant.id) as tx:
        rows = [*tx.rows("select * from staff_session"), *tx.rows("select * from account")]
    text = repr([{name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()} for row in rows])
    assert token.partition(".")[2] not in text
    assert PASSWORD not in text


def test_sign_ins_and_refusals_are_audited(app, database, tenant, dana):
    enter(app, dana)
    with pytest.raises(NotAuthenticated):
        enter(app, dana, "not the password")
    with pytest.raises(NotAuthenticated):
        enter(app, f"somebody-private@{tenant.slug}", "x")
    with database.transaction(tenant.id) as tx:
        rows = tx.rows("select outcome, agent_id, agent_name, subtype from audit_event order by id")
    assert [(row["subtype"], row["outcome"], row["agent_id"]) for row in rows] == [
        ("login", "0", "acc-dana"),
        ("login", "8", "acc-dana"),
        ("login", "8", "unknown"),
    ]
    assert "somebody" not in str(rows)


def test_what_is_over_is_swept_away(app, database, tenant, clock, dana):
    token = enter(app, dana).token
    with pytest.raises(NotAuthenticated):
        enter(app, dana, "not the password")
    sweep(app, tenant)
    assert current_session(app, token)
    clock.move_by(hours=13)
    sweep(app, tenant)
    with database.transaction(tenant.id) as tx:
        assert tx.value("select count(*) from staff_session") == 0
        assert tx.value("select count(*) from sign_in_throttle") == 0


def test_the_first_who_are_here_come_by_name_with_how_many_there_are(database, keys, tenant):
    made = {one: account(database, keys, tenant, one, Role.COORDINATOR) for one in ("zoe", "ann", "bob")}
    with database.transaction(tenant.id) as tx:
        tx.execute("update account set disabled = now() where id = %s", (made["ann"].account_id,))
        here = [one for one in accounts.staff(tx) if one.active]
        assert accounts.first_active(tx, 1) == (here[:1], len(here))
        assert accounts.first_active(tx, 50) == (here, len(here))
        assert accounts.first_active(tx, 1, ["coordinator", "nurse"]) == (here[:1], len(here))
        assert accounts.first_active(tx, 50, ["nurse"]) == ([], 0)
        assert accounts.active_called(tx, here[0].name[:3].upper(), ["coordinator"], 9)[0] == here[0]
        assert made["ann"].username not in {one.username for one in accounts.active_called(tx, "", ["coordinator"], 9)}
    assert made["ann"].username not in {one.username for one in here}
    assert len(here) == 2
