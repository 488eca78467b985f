"""EHRs that open our panel for a patient (SMART App Launch 2.2; we are the app): who they are, what may be asked of
them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from careloop.access.clients import LOOPBACK, check_address
from careloop.access.keys import Keyring
from careloop.access.model import Principal, PrincipalKind, Sight, Tenant
from careloop.access.sight import SHARED
from careloop.db import Row, Transaction, load_queries
from careloop.errors import Conflict, NotFound, Rejected
from careloop.outside import AllowList

_SQL = load_queries("careloop.access", "ehrs.sql")
_PURPOSE = "ehr client secret"
SCOPES = ("system/Patient.rs", "system/Task.rus")
"""What the panel reads and writes, of the one patient that it was opened for."""


@dataclass(frozen=True, kw_only=True)
class NewEhr:
    """An EHR as an administrator describes it. `hosts`: others than the issuer's that its endpoints are at; `origins`:
    whose pages may frame the panel."""

    iss: str
    name: str
    client_id: str
    client_secret: str | None = None
    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Ehr:
    """A registered EHR. It belongs to one tenant, `practice`."""

    iss: str
    practice: int
    id: str
    name: str
    client_id: str
    client_secret: bytes | None = field(repr=False)
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    revoked: datetime | None

    def allowed(self, tenant: Tenant) -> AllowList:
        """The hosts that may be asked for this EHR; this machine only for a practice that is not in production."""
        return AllowList(frozenset({urlsplit(self.iss).netloc.lower(), *self.hosts}), loopback=not tenant.production)

    def secret(self, keys: Keyring) -> str | None:
        """Our own secret at the EHR, None where we are a public client there."""
        return keys.unseal(_PURPOSE, bytes(self.client_secret)) if self.client_secret else None

    def finder(self, who: str, address: str | None) -> Principal:
        """The same clinician while we look for the patient by number."""
        return Principal(
            tenant_id=self.practice,
            kind=PrincipalKind.CLIENT,
            id=self.id,
            name=f"{who} through {self.name}",
            scopes=("system/Patient.rs",),
            address=address,
        )

    def principal(self, who: str, patient_id: str, address: str | None) -> Principal:
        """A clinician of the EHR as an actor here: sees this one patient and nobody else."""
        return Principal(
            tenant_id=self.practice,
            kind=PrincipalKind.CLIENT,
            id=self.id,
            name=f"{who} through {self.name}",
            scopes=SCOPES,
            address=address,
            sight=Sight(types=tuple(sorted(SHARED | {"CareTeam"})), patient_id=patient_id, patient_types=("*",)),
        )


def add_ehr(tx: Transaction, keys: Keyring, tenant: Tenant, new: NewEhr, now: datetime) -> Ehr:
    """The EHR may open the panel. `Conflict` where it belongs to another tenant; `Rejected` for addresses that are not
    https (http on this machine only for a practice that is not in production)."""
    addresses = [new.iss, *new.origins]
    for place, url in zip(["iss", *["origin"] * len(new.origins)], addresses, strict=True):
        check_address(url, place)
        if tenant.production and urlsplit(url).hostname in LOOPBACK:
            raise Rejected(at=place, expected="an address of another machine: this practice is in production")
    if any(urlsplit(one).path.strip("/") or urlsplit(one).query for one in new.origins):
        raise Rejected(at="origin", expected="an origin: scheme, host and port alone")
    values = {
        "iss": new.iss.rstrip("/"),
        "tenant": tenant.id,
        "id": f"ehr-{secrets.token_hex(8)}",
        "name": new.name,
        "client_id": new.client_id,
        "client_secret": keys.seal(_PURPOSE, new.client_secret) if new.client_secret else None,
        "hosts": [one.lower() for one in new.hosts],
        "origins": [one.rstrip("/") for one in new.origins],
        "now": now,
    }
    row = tx.one(_SQL["upsert_ehr"], values)
    if row is None:
        raise Conflict("the issuer is registered elsewhere")
    return _ehr(row)


def find_ehr(tx: Transaction, iss: str) -> Ehr:
    """The EHR of that issuer; `NotFound` where none may open the panel. `tx` may be without a tenant."""
    row = tx.one(_SQL["find_ehr"], {"iss": iss.rstrip("/")})
    if row is None:
        raise NotFound("there is no such EHR here")
    return _ehr(row)


def list_ehrs(tx: Transaction, tenant_id: int) -> list[Ehr]:
    """All EHRs of the tenant, revoked ones too."""
    return [_ehr(row) for row in tx.rows(_SQL["list_ehrs"], {"tenant": tenant_id})]


def revoke_ehr(tx: Transaction, tenant_id: int, iss: str, now: datetime) -> Ehr:
    """The EHR opens nothing any more, and open panels are closed. `NotFound` where there is none in use."""
    row = tx.one(_SQL["revoke_ehr"], {"iss": iss.rstrip("/"), "tenant": tenant_id, "now": now})
    if row is None:
        raise NotFound("there is no such EHR here")
    return _ehr(row)


def _ehr(row: Row) -> Ehr:
    return Ehr(**{**row, "hosts": tuple(row["hosts"]), "origins": tuple(row["origins"])})
