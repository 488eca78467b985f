"""Every published example is found again by each of its indexed search parameters, and by nothing that it is not.

All examples are loaded into one practice; every search that a resource's own values make is carried out once.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conformance.examples.asking import Search, searches
from tests.conformance.examples.pack import FOLDERS, examples
from tests.conftest import START

from careloop.access.model import system_principal
from careloop.fhir.jsons import decode
from careloop.fhir.searchparameters import BY_COLUMN
from careloop.record import Record, Write

pytestmark = pytest.mark.shared

EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("findable.yaml").read_text())["findable"]
EXCLUDED = {(entry["parameter"], entry["value"]) for entry in EXCLUSIONS}
TYPES = ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")
_SET = 200
_IN_ONE_TRANSACTION = 250


def loaded(shared: Path) -> dict[str, dict[str, Any]]:
    """Each example under an id of its own: packs use the same ids for different resources."""
    found: dict[str, dict[str, Any]] = {}
    for folder in FOLDERS:
        for _, text in examples(shared, folder):
            resource = decode(text)
            if resource["resourceType"] != "AuditEvent":  # searched in the trail, not in the record
                found[f"e{len(found)}"] = {**resource, "id": f"e{len(found)}"}
    return found


def wanted(record: Record, resources: dict[str, dict[str, Any]]) -> dict[Search, set[str]]:
    """Every search with the ids that it must find."""
    found: dict[Search, set[str]] = defaultdict(set)
    for identity, resource in resources.items():
        known = record.definitions.of(resource["resourceType"])
        parameters = {name: one for name, one in known.items() if name not in BY_COLUMN}
        for search in searches(resource, parameters):
            found[search].add(identity)
    return found


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in EXCLUSIONS:
        assert entry["type"] in TYPES and len(entry["reason"]) > 20


def test_every_example_is_found_by_each_of_its_values(shared, database, tenant) -> None:
    record, principal = Record.load(), system_principal(tenant.id, "findable")
    resources = loaded(shared)
    writes = [Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
              for one in resources.values()]  # fmt: skip
    for start in range(0, len(writes), _SET):
        part = writes[start : start + _SET]
        database.run(tenant.id, lambda tx, part=part: record.write(tx, principal, START, part, validate=False))
    every = sorted(wanted(record, resources).items(), key=lambda item: str(item[0]))
    missed: list[tuple[str, str, list[str]]] = []
    strays: list[tuple[str, str, list[str]]] = []
    for start in range(0, len(every), _IN_ONE_TRANSACTION):
        with database.transaction(tenant.id) as tx:
            for search, ids in every[start : start + _IN_ONE_TRANSACTION]:
                asked = [(search.name, search.value), ("_count", "1000")]
                page = record.search(tx, principal, search.resource_type, asked, START)
                found, name = {one.id for one in page.entries}, f"{search.resource_type}.{search.name}"
                if ids - found:
                    missed.append((name, search.value, sorted(ids - found)))
                if search.exact and found - ids:
                    strays.append((name, search.value, sorted(found - ids)))
    unexpected = [one for one in (*missed, *strays) if one[:2] not in EXCLUDED]
    assert unexpected[:40] == [], f"{len(missed)} missed, {len(strays)} strays of {len(every)} searches"
    assert {one[:2] for one in (*missed, *strays)} == EXCLUDED, "an excluded search passes now"
    assert len(every) > 5_000
