"""Who acts, for whom, and why."""

from dataclasses import dataclass, field
from enum import StrEnum


class PrincipalKind(StrEnum):
    """What sort of actor this is."""

    USER = "user"
    CLIENT = "client"
    SYSTEM = "system"


class Role(StrEnum):
    """Staff roles; a user has one or more."""

    COORDINATOR = "coordinator"
    NURSE = "nurse"
    PHYSICIAN = "physician"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    COMMUNITY_HEALTH_WORKER = "community-health-worker"
    BILLER = "biller"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """An authenticated actor in one tenant. `scopes` are SMART v2 scopes of a client; staff have roles instead.

    `practitioner_id` is the id of the `Practitioner` that stands for a user in the record, without the type.
    `purpose` is a code of v3-PurposeOfUse. `address` is the network address the request came from.
    """

    tenant_id: int
    kind: PrincipalKind
    id: str
    name: str
    roles: frozenset[Role] = frozenset()
    scopes: tuple[str, ...] = ()
    practitioner_id: str | None = None
    purpose: str = "TREAT"
    address: str | None = None

    @property
    def reference(self) -> str:
        """How the record names this actor."""
        if self.practitioner_id:
            return f"Practitioner/{self.practitioner_id}"
        return f"Device/{self.id}"


def system_principal(tenant_id: int, process: str) -> Principal:
    """The product itself acting: intake, clocks, the demo. `process` names which part."""
    return Principal(
        tenant_id=tenant_id, kind=PrincipalKind.SYSTEM, id=process, name=f"Careloop {process}", purpose="TREAT"
    )


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One organisation. `zone` is an IANA name; `settings` are the tenant's choices (see `careloop.access.tenancy`)."""

    id: int
    slug: str
    name: str
    zone: str
    production: bool
    settings: dict[str, object] = field(default_factory=dict)
