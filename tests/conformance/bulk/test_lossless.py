"""Bulk export and import lose nothing: the hash of each resource's canonical JSON is the same before and after."""

import gzip
import hashlib
import json
from itertools import islice
from pathlib import Path

import pytest

from careloop.access.model import system_principal
from careloop.flows import bulk_jobs
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.flows.exporting import Wanted

FEW, ALL = 12, 617
_SERVERS = ("versionId", "lastUpdated")


def bundles(shared: Path, count: int) -> list[Document]:
    with gzip.open(shared / "data" / "synthea-r4-617" / "bundles.ndjson.gz") as lines:
        return [Document(label=f"bundle {number}", text=line) for number, line in enumerate(islice(lines, count))]


def digest(line: str) -> tuple[str, str]:
    """Type/id and the hash of the canonical JSON, without what a server adds. Decimals count as they are written."""
    resource = json.loads(line, parse_float=str, parse_int=str)
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _SERVERS}
    resource.pop("meta", None)
    canonical = json.dumps(resource | ({"meta": meta} if meta else {}), sort_keys=True, ensure_ascii=False)
    return f"{resource['resourceType']}/{resource['id']}", hashlib.sha256(canonical.encode()).hexdigest()


def exported(app, tenant) -> tuple[dict[str, str], Path]:
    """What an export of the tenant holds, by reference, and where its files lie."""
    principal = system_principal(tenant.id, "test")
    job_id = bulk_jobs.ask_export(app, principal, "test", Wanted())
    assert bulk_jobs.run_next(app, tenant)
    job = bulk_jobs.find(app, principal, job_id)
    assert job.state == "done", job.reason
    folder = bulk_jobs.folder_of(app, tenant.id, job_id)
    found: dict[str, str] = {}
    for one in job.manifest["output"]:
        for line in (folder / one["name"]).read_text(encoding="utf-8").splitlines():
            reference, value = digest(line)
            assert reference not in found
            found[reference] = value
    return found, folder


def imported(app, tenant, folder: Path, sent: Path) -> None:
    with sent.open("wb") as whole:
        for path in sorted(folder.iterdir()):
            whole.write(path.read_bytes())
    principal = system_principal(tenant.id, "test")
    job_id = bulk_jobs.ask_import(app, principal, "test", sent)
    assert bulk_jobs.run_next(app, tenant)
    job = bulk_jobs.find(app, principal, job_id)
    assert job.state == "done", job.reason
    assert job.manifest["error"] == []


def check(app, tenant, other_tenant, shared, tmp_path, count: int) -> int:
    report = import_bundles(app, tenant, system_principal(tenant.id, "test"), bundles(shared, count))
    assert not report.rejects
    before, folder = exported(app, tenant)
    assert len(before) >= report.created
    sent = app.settings.data_dir / f"sent-{tenant.id}.ndjson"
    imported(app, other_tenant, folder, sent)
    after, _ = exported(app, other_tenant)
    own = {reference: value for reference, value in after.items() if reference in before}
    assert own == before
    return len(before)


def test_some_bundles_come_through_unchanged(app, tenant, other_tenant, shared, tmp_path):
    assert check(app, tenant, other_tenant, shared, tmp_path, FEW) > 2_000


@pytest.mark.long
def test_more_than_100_000_resources_come_through_unchanged(app, tenant, other_tenant, shared, tmp_path):
    assert check(app, tenant, other_tenant, shared, tmp_path, ALL) > 100_000


def test_the_hash_sees_a_changed_digit():
    line = '{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.10}}'
    assert digest(line) != digest(line.replace("1.10", "1.1"))
    assert digest(line) == digest(line.replace('"id":"1",', '"id":"1","meta":{"versionId":"7"},'))
