"""Staff accounts: `name@tenant-slug`, a password, for administrators always a second factor.

One account is one `Practitioner` in the record. An account is never deleted: what it did keeps its name.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
import pyotp

from careloop.access.keys import Keyring
from careloop.access.model import Principal, PrincipalKind, Role
from careloop.db import Row, Transaction, load_queries
from careloop.errors import Conflict, NotFound, Rejected

_SQL = load_queries("careloop.access", "accounts.sql")
_decode_names = msgspec.json.Decoder(dict[str, str]).decode
_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,60}")
_TOTP_PURPOSE = "totp secret"
_TOTP_SECONDS = 30
_TOTP_DRIFT = 1
"""Codes of the step before and after are taken too: RFC 6238 §5.2 recommends at most one step for transport delay."""


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """Somebody who can own work."""

    account_id: str
    username: str
    practitioner_id: str
    name: str
    roles: frozenset[Role]
    active: bool

    @property
    def reference(self) -> str:
        """How the record names this person."""
        return f"Practitioner/{self.practitioner_id}"


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """What is needed to make an account. Without `password_hash` nobody can sign in to it."""

    id: str
    username: str
    name: str
    practitioner_id: str
    roles: Sequence[Role]
    password_hash: str | None = None
    totp_secret: str | None = None


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a sign-in is checked against. `account` is None for a name that nobody has."""

    account: StaffMember | None
    password_hash: str | None
    totp_secret: bytes | None

    @property
    def needs_code(self) -> bool:
        """True when the password alone does not open the account."""
        return self.totp_secret is not None


def split_username(text: str) -> tuple[str, str]:
    """(`dana`, `riverbend`) of `dana@riverbend`, in lower case; empty texts for anything else."""
    name, at, slug = text.strip().lower().rpartition("@")
    return (name, slug) if at and name and slug else ("", "")


def check_username(username: str) -> None:
    """Nothing happens for a name that an account may have; else `Rejected`."""
    if not _USERNAME.fullmatch(username):
        raise Rejected(at="username", expected="2 to 61 small letters, digits, dots and hyphens, a letter first")


def create_account(tx: Transaction, keys: Keyring, now: datetime, account: NewAccount) -> StaffMember:
    """The account exists. `Conflict` when its name is taken; an administrator without a second factor is `Rejected`."""
    if Role.ADMINISTRATOR in account.roles and account.password_hash and not account.totp_secret:
        raise Rejected(at="totp_secret", expected="a second factor for an administrator")
    sealed = keys.seal(_TOTP_PURPOSE, account.totp_secret) if account.totp_secret else None
    row = tx.one(
        _SQL["insert_account"],
        {
            "id": account.id,
            "username": account.username,
            "name": account.name,
            "practitioner_id": account.practitioner_id,
            "roles": sorted({role.value for role in account.roles}),
            "password_hash": account.password_hash,
            "totp_secret": sealed,
            "now": now,
        },
    )
    if row is None:
        raise Conflict("an account of that name exists already")
    return _member(row)


def staff(tx: Transaction) -> list[StaffMember]:
    """All accounts of the tenant, by name; those that were disabled too (`active` False)."""
    return [_member(row) for row in tx.rows(_SQL["list_accounts"])]


def first_active(tx: Transaction, most: int, roles: Collection[str] | None = None) -> tuple[list[StaffMember], int]:
    """The first of those who are here, by name, and how many are here in all; with `roles` of those who have one."""
    rows = tx.rows(_SQL["first_active"], {"most": most, "roles": None if roles is None else sorted(roles)})
    return [_member(row) for row in rows], rows[0]["total"] if rows else 0


def active_called(tx: Transaction, begins: str, roles: Collection[str], most: int) -> list[StaffMember]:
    """The first of those who are here with one of these roles whose name, or one of its words, begins so; whoever is
    called exactly that comes first."""
    asked = {"begins": begins, "roles": sorted(roles), "most": most}
    return [_member(row) for row in tx.rows(_SQL["active_called"], asked)]


def names(tx: Transaction) -> dict[str, str]:
    """The name of everybody who has or had an account, by reference."""
    return _decode_names(tx.value(_SQL["list_names"]))


def members(tx: Transaction, references: Sequence[str]) -> list[StaffMember]:
    """The accounts behind some references `Practitioner/id`, by name; the other references are nobody's."""
    ids = [reference.removeprefix("Practitioner/") for reference in references]
    return [_member(row) for row in tx.rows(_SQL["list_members"], {"practitioner_ids": ids})] if ids else []


def find_account(tx: Transaction, username: str) -> StaffMember:
    """The account of that name (without the tenant), else `NotFound`."""
    row = tx.one(_SQL["find_account"], {"username": username})
    if row is None:
        raise NotFound("there is no such account")
    return _member(row)


def credentials(tx: Transaction, username: str) -> Credentials:
    """What to check a sign-in against; of a disabled account and of an unknown name: nothing that could ever match."""
    row = tx.one(_SQL["read_credentials"], {"username": username})
    if row is None:
        return Credentials(account=None, password_hash=None, totp_secret=None)
    return Credentials(account=_member(row), password_hash=row["password_hash"], totp_secret=row["totp_secret"])


def set_password(tx: Transaction, account_id: str, password_hash: str) -> None:
    """The account has this password from now on; the caller ends its sessions."""
    tx.execute(_SQL["update_password"], {"id": account_id, "password_hash": password_hash})


def disable_account(tx: Transaction, account_id: str, now: datetime) -> None:
    """Nobody signs in to the account any more and its sessions are over. Its work must have moved before."""
    tx.execute(_SQL["disable_account"], {"id": account_id, "now": now})
    tx.execute(_SQL["end_sessions_of_account"], {"account_id": account_id})


def use_totp_code(tx: Transaction, keys: Keyring, account_id: str, code: str, now: datetime) -> bool:
    """True when the code is right now, and was not used before; it is used then (RFC 6238 §5.2)."""
    sealed = tx.value(_SQL["read_totp_secret"], {"id": account_id})
    if sealed is None:
        return False
    step = _matching_step(keys.unseal(_TOTP_PURPOSE, bytes(sealed)), "".join(code.split()), now)
    return step is not None and tx.execute(_SQL["use_totp_step"], {"id": account_id, "step": step}) == 1


def new_totp_secret() -> str:
    """A random secret of 160 bits in base32, for an authenticator app."""
    return pyotp.random_base32()


def is_known_address(tx: Transaction, keys: Keyring, username: str, address: str) -> bool:
    """True when somebody signed in to the account from there before."""
    found = tx.one(_SQL["find_address"], {"username": username, "hash": _address_hash(keys, address)})
    return found is not None


def remember_address(tx: Transaction, keys: Keyring, account_id: str, address: str, now: datetime) -> None:
    """The address counts as known for the account."""
    tx.execute(_SQL["remember_address"], {"id": account_id, "hash": _address_hash(keys, address), "now": now})


def principal_of(tenant_id: int, account: StaffMember, address: str | None) -> Principal:
    """The account as an actor."""
    return Principal(
        tenant_id=tenant_id,
        kind=PrincipalKind.USER,
        id=account.account_id,
        name=account.name,
        roles=account.roles,
        practitioner_id=account.practitioner_id,
        address=address,
    )


def _address_hash(keys: Keyring, address: str) -> bytes:
    return keys.fingerprint("known address", address)


def _matching_step(secret: str, code: str, now: datetime) -> int | None:
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // _TOTP_SECONDS
    matching = [
        step
        for step in range(current - _TOTP_DRIFT, current + _TOTP_DRIFT + 1)
        if pyotp.utils.strings_equal(totp.generate_otp(step), code)
    ]
    return matching[0] if matching else None


def _member(row: Row) -> StaffMember:
    return StaffMember(
        account_id=row["id"],
        username=row["username"],
        practitioner_id=row["practitioner_id"],
        name=row["name"],
        roles=_roles(tuple(row["roles"])),
        active=row["disabled"] is None,
    )


@lru_cache(maxsize=256)
def _roles(names: tuple[str, ...]) -> frozenset[Role]:
    """The few combinations that a practice has, made once: a list of staff may be thousands."""
    return frozenset(Role(name) for name in names)
