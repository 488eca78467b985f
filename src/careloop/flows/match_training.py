"""The weights of likeness learnt from people without anybody's answer: a tenant's own record, or a file of Patients."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from careloop import identity
from careloop.access.model import Tenant
from careloop.errors import Rejected
from careloop.fhir.jsons import decode
from careloop.flows.app import App
from careloop.identity import store
from careloop.identity.batch import splinking, writing
from careloop.identity.likeness import likeness_of

Person = tuple[str, identity.Demographics]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A new weights file, and each level whose figures changed, in words."""

    text: str
    changes: Sequence[str]
    people: int


def train_on_record(app: App, tenant: Tenant) -> Trained:
    """Weights from everybody in the tenant's record."""
    with app.database.transaction(tenant.id, actor="identity") as tx:
        return _train(app, list(store.everybody(tx)))


def train_on_file(app: App, path: Path) -> Trained:
    """Weights from an NDJSON file of `Patient` resources; `Rejected` names a line that is none."""
    return _train(app, [_person(place, line) for place, line in enumerate(path.read_bytes().splitlines(), 1) if line])


def _person(place: int, line: bytes) -> Person:
    resource = decode(line)
    if resource.get("resourceType") != "Patient":
        raise Rejected(at=f"line {place}", expected="a Patient", code="structure")
    return f"p{place}", identity.demographics_of(resource)


def _train(app: App, people: Iterable[Person]) -> Trained:
    everybody = list(people)
    before = app.catalog.document("matching", "weights")
    found = splinking.train(everybody, likeness_of(app.catalog))
    day = app.clock.now().astimezone(ZoneInfo("UTC")).date().isoformat()
    after = writing.with_trained(
        before, found, day=day, tool=f"splink {version('splink')}", people=len(everybody)
    )  # fmt: skip
    return Trained(text=writing.as_yaml(after), changes=writing.described(before, after), people=len(everybody))
