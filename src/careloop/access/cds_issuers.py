"""EHRs that may ask our CDS services: by issuer, each with its public keys (CDS Hooks 2.0, "Trusting CDS Clients").

A request is signed (RS384 or ES384, one algorithm for each key), for exactly the service that it goes to, for at most
five minutes, once. Keys or addresses of keys inside a request are never looked at.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from careloop.access.clients import check_claims, check_jwks, read_unverified, verify_signature
from careloop.access.model import Principal, PrincipalKind
from careloop.db import Row, Transaction, load_queries
from careloop.errors import Conflict, NotAuthenticated, NotFound
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.access", "cds.sql")
SCOPES = (
    "system/AllergyIntolerance.rs", "system/Condition.rs", "system/DiagnosticReport.rs", "system/MedicationRequest.rs",
    "system/MedicationStatement.rs", "system/Observation.rs", "system/Organization.rs", "system/Patient.rs",
    "system/Practitioner.rs", "system/Procedure.rs", "system/ServiceRequest.rs", "system/Task.rs",
)  # fmt: skip
"""What the services read on behalf of an EHR; nothing is written."""


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """One EHR installation. It belongs to one tenant, `practice`."""

    iss: str
    practice: int
    id: str
    name: str
    jwks: Mapping[str, Any]
    revoked: datetime | None

    def principal(self, address: str | None) -> Principal:
        """The EHR as an actor."""
        return Principal(
            tenant_id=self.practice,
            kind=PrincipalKind.CLIENT,
            id=self.id,
            name=self.name,
            scopes=SCOPES,
            address=address,
        )


def add_issuer(
    tx: Transaction, tenant_id: int, now: datetime, *, iss: str, name: str, jwks: Mapping[str, Any]
) -> Issuer:
    """The issuer may ask, with these keys from now on. `Conflict` where it belongs to another tenant."""
    values = {"iss": iss, "tenant": tenant_id, "id": f"cds-{secrets.token_hex(8)}", "name": name, "now": now}
    row = tx.one(_SQL["insert_issuer"], {**values, "jwks": encode(check_jwks(jwks)).decode()})
    if row is None:
        raise Conflict("the issuer is registered elsewhere")
    return Issuer(**row)


def list_issuers(tx: Transaction, tenant_id: int) -> list[Issuer]:
    """All issuers of the tenant, revoked ones too."""
    return [Issuer(**row) for row in tx.rows(_SQL["list_issuers"], {"tenant": tenant_id})]


def revoke_issuer(tx: Transaction, tenant_id: int, iss: str, now: datetime) -> Issuer:
    """The issuer is refused from now on. `NotFound` where there is none in use."""
    row = tx.one(_SQL["revoke_issuer"], {"iss": iss, "tenant": tenant_id, "now": now})
    if row is None:
        raise NotFound("there is no such issuer")
    return Issuer(**row)


def signer_of(directory: Transaction, token: str, audience: str, now: datetime) -> tuple[Issuer, str, datetime]:
    """Who signed the request, its id and when that may be forgotten; `NotAuthenticated` where nobody we know did, or
    not for this service and this minute. `directory` is a transaction without a tenant."""
    header, claims = read_unverified(token)
    row = directory.one(_SQL["find_issuer"], {"iss": str(claims.get("iss", ""))})
    if row is None:
        raise NotAuthenticated("the request is not signed by a known EHR")
    issuer = Issuer(**row)
    verify_signature(token, header, issuer.jwks)
    check_claims(claims, audience, now)
    return issuer, str(claims["jti"]), datetime.fromtimestamp(claims["exp"], UTC)


def use_once(tx: Transaction, issuer: Issuer, jti: str, expires: datetime) -> None:
    """The id counts as used; `NotAuthenticated` where it was used before."""
    if tx.execute(_SQL["use_request"], {"issuer_id": issuer.id, "jti": jti, "expires": expires}) != 1:
        raise NotAuthenticated("the request was sent before")


def keep_feedback(tx: Transaction, issuer_id: str, service: str, told: Mapping[str, Any], now: datetime) -> None:
    """What became of a card is stored."""
    tx.execute(_SQL["insert_feedback"], {**told, "issuer_id": issuer_id, "service": service, "now": now})


def feedback(tx: Transaction) -> list[Row]:
    """All feedback of the tenant, oldest first; comments are left out."""
    return tx.rows(_SQL["list_feedback"])


def sweep_requests(tx: Transaction, now: datetime) -> None:
    """Ids of requests that could not be sent again anyway are gone."""
    tx.execute(_SQL["delete_old_requests"], {"before": now - timedelta(minutes=10)})
