"""Small readers over FHIR JSON that never fail on what is missing: the record may hold anything that validates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any, Protocol

from careloop.errors import Rejected
from careloop.fhir.dates import BEGINNING, END, interval

Resource = Mapping[str, Any]
_NOTHING: frozenset[str] = frozenset()


class StoredResource(Protocol):
    """A resource as the record stores it, with its version."""

    @property
    def resource_type(self) -> str:
        """`Encounter`."""
        ...

    @property
    def id(self) -> str:
        """Logical id."""
        ...

    @property
    def version(self) -> int:
        """Version number."""
        ...

    @property
    def last_updated(self) -> datetime:
        """When this version was written."""
        ...

    @property
    def deleted(self) -> bool:
        """True for a tombstone."""
        ...

    @property
    def resource(self) -> dict[str, Any]:
        """The resource."""
        ...


@dataclass(frozen=True, kw_only=True)
class Known:
    """A resource with its version, for readers that do not come from the record (case files, rehearsals)."""

    resource: dict[str, Any]
    last_updated: datetime
    version: int = 1
    deleted: bool = False

    @property
    def resource_type(self) -> str:
        """`Encounter`."""
        return str(self.resource["resourceType"])

    @property
    def id(self) -> str:
        """Logical id."""
        return str(self.resource["id"])


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What every reader needs: the zone of times without offset, and the roles of practitioners by reference."""

    zone: tzinfo
    roles: Mapping[str, frozenset[str]]


def versioned(stored: StoredResource) -> str:
    """`Type/id/_history/version`."""
    return f"{stored.resource_type}/{stored.id}/_history/{stored.version}"


def span(value: Any, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The instants of a dateTime or Period, None when there is none or it cannot be read."""
    if not value:
        return None
    try:
        return interval(value, zone)
    except Rejected:
        return None


def start_of_span(value: Any, zone: tzinfo) -> datetime | None:
    """The first instant, None where it is open or missing."""
    found = span(value, zone)
    return None if found is None or found[0] == BEGINNING else found[0]


def end_of_span(value: Any, zone: tzinfo) -> datetime | None:
    """The exclusive last instant, None where it is open or missing."""
    found = span(value, zone)
    return None if found is None or found[1] == END else found[1]


def codings(concept: Any) -> Iterator[Mapping[str, Any]]:
    """The codings of a CodeableConcept, or of a list of them, or a bare Coding."""
    for item in concept if isinstance(concept, list) else [concept]:
        if isinstance(item, Mapping):
            yield from item.get("coding", [item])


def codes_of(concept: Any) -> frozenset[str]:
    """Every coding as `system|code`."""
    if not concept:
        return _NOTHING
    return _the_set(tuple(f"{one.get('system', '')}|{one['code']}" for one in codings(concept) if "code" in one))


@lru_cache(maxsize=4096)
def _the_set(codes: tuple[str, ...]) -> frozenset[str]:
    """One and the same set for the same codes: a long history says a handful of them thousands of times."""
    return frozenset(codes)


def first_code(concept: Any) -> str | None:
    """The code of the first coding that has one."""
    return next((str(coding["code"]) for coding in codings(concept) if "code" in coding), None)


def references(*values: Any) -> frozenset[str]:
    """The local references in References and lists of References, without versions and server addresses."""
    found = set()
    for value in values:
        if value is None:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping) and (plain := plain_reference(item.get("reference"))):
                found.add(plain)
    return frozenset(found)


def plain_reference(text: Any) -> str | None:
    """`Type/id` of a reference, whatever stands before and after it; None for contained and logical ones."""
    parts = str(text or "").split("/_history/")[0].split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 and parts[-1] else None


def extensions(resource: Mapping[str, Any], url: str) -> Iterator[Mapping[str, Any]]:
    """The extensions with this url."""
    return (item for item in resource.get("extension", ()) if item.get("url") == url)


def extension_value(resource: Mapping[str, Any], url: str) -> Any:
    """The value of the first extension with this url, whatever its type; None when absent."""
    for item in extensions(resource, url):
        return next((value for name, value in item.items() if name.startswith("value")), None)
    return None


def is_practitioner(reference: str) -> bool:
    """True for a Practitioner or PractitionerRole."""
    return reference.startswith(("Practitioner/", "PractitionerRole/"))


def roles_of(people: frozenset[str], reader: Reader) -> frozenset[str] | None:
    """All roles known of these people; None when any of them has none on record."""
    if not people or any(person not in reader.roles for person in people):
        return None
    return frozenset(role for person in people for role in reader.roles[person])
