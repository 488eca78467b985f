"""Who acts, for whom, and why."""

from collections.abc import Set
from dataclasses import dataclass, field
from enum import StrEnum


class PrincipalKind(StrEnum):
    """What sort of actor this is."""

    USER = "user"
    CLIENT = "client"
    SYSTEM = "system"
    PARTNER = "partner"
    """Whoever holds a one-use link: no account, one patient, one answer."""


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
class Sight:
    """The part of the record that a narrowed principal sees.

    A resource is seen where its type is one of `types` or it has one of `tokens` (categories); a resource of the
    patient also where its type is one of `patient_types` (`*` for each) or it has one of `patient_tokens`. What
    has one of the tokens `hidden` (labels of privacy, assessments.md AS-09) is not seen whatever else it is.
    """

    types: tuple[str, ...] = ()
    tokens: tuple[int, ...] = ()
    patient_id: str | None = None
    patient_types: tuple[str, ...] = ()
    patient_tokens: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """What the transaction is told (`careloop.db.pool.Sight`)."""
        return (
            ",".join(self.types),
            ",".join(map(str, self.tokens)),
            self.patient_id or "",
            ",".join(self.patient_types),
            ",".join(map(str, self.patient_tokens)),
            ",".join(map(str, self.hidden)),
        )

    def admits(self, resource_type: str, patient_id: str | None, tokens: Set[int]) -> bool:
        """True for a resource of that type, about that patient, with those tokens: the policy of migration 0012."""
        if not tokens.isdisjoint(self.hidden):
            return False
        if resource_type in self.types or not tokens.isdisjoint(self.tokens):
            return True
        if patient_id is None or patient_id != self.patient_id:
            return False
        return bool({"*", resource_type} & set(self.patient_types)) or not tokens.isdisjoint(self.patient_tokens)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """An authenticated actor in one tenant. `scopes` are SMART v2 scopes of a client; staff have roles instead.

    A person who acts through an app has both: `client_id` names the app, and only what roles and scopes permit is
    permitted. `sight` is set where the scopes are for one patient or some categories; such a principal is narrowed.

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
    client_id: str | None = None
    sight: Sight | None = None

    @property
    def narrowing(self) -> tuple[str, ...] | None:
        """What a transaction of this principal must be opened with as its `sight`."""
        return None if self.sight is None else self.sight.settings

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
    rules_revision: int = 0
    """Raised whenever other rules hold here (`catalog.versions`); 0: what ships."""
