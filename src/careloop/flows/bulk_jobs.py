"""Bulk jobs from the request to the files: asked for at a door, done by the worker, fetched by whoever asked.

Files of a job lie in the data folder under the tenant and the job until the job's time is over.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from careloop.access.model import Principal, PrincipalKind, Role, Tenant
from careloop.access.policy import require_whole
from careloop.errors import CareloopError, Fault, NotFound, Unavailable
from careloop.fhir.jsons import encode
from careloop.flows import exporting
from careloop.flows.app import App
from careloop.flows.exporting import Exported, Wanted
from careloop.flows.loading import Loader
from careloop.flows.outcomes import outcome
from careloop.intake.files import pieces
from careloop.record.bulk import BulkJob, Extent, jobs

_log = structlog.get_logger()

SPOOL = "sent"
"""The file that an import reads: what the client sent."""


class Cancelled(Exception):
    """The client does not want the job any more."""


@dataclass(frozen=True)
class _Beating:
    """Tells the database how far a job is, at most once for each thousand resources."""

    app: App
    tenant: Tenant
    job: BulkJob

    def __call__(self, done: int) -> None:
        with self.app.database.transaction(self.tenant.id, actor="bulk") as tx:
            if not jobs.beat(tx, self.job.id, self.app.clock.now(), done):
                raise Cancelled


def folder_of(app: App, tenant_id: int, job_id: str) -> Path:
    """Where a job's files lie; nobody but the product's own user can look in."""
    return app.settings.data_dir / "bulk" / str(tenant_id) / job_id


def make_folder(app: App, tenant_id: int, job_id: str) -> Path:
    """The same, made and empty."""
    folder = folder_of(app, tenant_id, job_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def ask_export(app: App, principal: Principal, request: str, wanted: Wanted) -> str:
    """The id of a new export, which the worker will do. What may not be exported is refused here already."""
    require_whole(principal)
    exporting.readable_types(principal, wanted.types, of_patients=wanted.extent.of_patients)
    parameters = _of_asker(principal) | {
        "types": list(wanted.types),
        "since": wanted.extent.since.isoformat() if wanted.extent.since else None,
        "of_patients": wanted.extent.of_patients,
        "patients": None if wanted.extent.patients is None else list(wanted.extent.patients),
        "filters": {name: list(found) for name, found in wanted.filters.items()},
        "output_format": wanted.output_format,
    }
    with app.database.transaction(principal.tenant_id, actor=principal.id) as tx:
        return jobs.ask(tx, principal, app.clock.now(), "export", request, parameters)


def ask_import(app: App, principal: Principal, request: str, sent: Path) -> str:
    """The id of a new import of a file that the client has sent; the file belongs to the job from now on."""
    require_whole(principal)
    with app.database.transaction(principal.tenant_id, actor=principal.id) as tx:
        job_id = jobs.ask(tx, principal, app.clock.now(), "import", request, _of_asker(principal) | {"name": sent.name})
        sent.rename(make_folder(app, principal.tenant_id, job_id) / sent.name)
    return job_id


def find(app: App, principal: Principal, job_id: str) -> BulkJob:
    """The job, for whoever asked for it; not for an app through which that person acts."""
    require_whole(principal)
    with app.database.transaction(principal.tenant_id, actor=principal.id) as tx:
        return jobs.find(tx, principal, job_id)


def file_of(app: App, principal: Principal, job_id: str, name: str) -> Path:
    """One finished file of a job; `NotFound` for a name that its manifest does not hold."""
    job = find(app, principal, job_id)
    listed = [one["name"] for part in ("output", "deleted", "error") for one in (job.manifest or {}).get(part, ())]
    path = folder_of(app, principal.tenant_id, job.id) / name
    if name not in listed or not path.is_file():
        raise NotFound("there is no such file")
    return path


def cancel(app: App, principal: Principal, job_id: str) -> None:
    """The job ends and its files are gone."""
    job = find(app, principal, job_id)
    with app.database.transaction(principal.tenant_id, actor=principal.id) as tx:
        jobs.cancel(tx, job.id, app.clock.now())
    shutil.rmtree(folder_of(app, principal.tenant_id, job.id), ignore_errors=True)


def run_next(app: App, tenant: Tenant) -> bool:
    """One job of the tenant is done, has failed or is to be tried again. False when there was none."""
    with app.database.transaction(tenant.id, actor="bulk") as tx:
        for job_id in jobs.over(tx, app.clock.now()):
            shutil.rmtree(folder_of(app, tenant.id, job_id), ignore_errors=True)
        job = jobs.take(tx, app.clock.now())
    if job is None:
        return False
    try:
        manifest = _export(app, tenant, job) if job.kind == "export" else _import(app, tenant, job)
    except Cancelled:
        shutil.rmtree(folder_of(app, tenant.id, job.id), ignore_errors=True)
    except Unavailable:
        if job.attempts >= jobs.MOST_TRIES:
            _fail(app, tenant, job, "the database was not available")
    except CareloopError as error:
        _fail(app, tenant, job, error.message)
    except Exception as error:
        _fail(app, tenant, job, f"the job failed ({type(error).__name__})")
        raise
    else:
        with app.database.transaction(tenant.id, actor="bulk") as tx:
            jobs.finish(tx, job.id, app.clock.now(), manifest)
        _forget_sent(app, tenant, job)
    return True


def _forget_sent(app: App, tenant: Tenant, job: BulkJob) -> None:
    """What a client sent is no longer needed; a worker that died before left a job that can be begun again."""
    if job.kind == "import":
        (folder_of(app, tenant.id, job.id) / job.parameters["name"]).unlink(missing_ok=True)


def _fail(app: App, tenant: Tenant, job: BulkJob, reason: str) -> None:
    _log.warning("bulk job failed", tenant_id=tenant.id, process=job.kind)
    with app.database.transaction(tenant.id, actor="bulk") as tx:
        jobs.fail(tx, job.id, app.clock.now(), reason)


def _export(app: App, tenant: Tenant, job: BulkJob) -> Mapping[str, Any]:
    folder = make_folder(app, tenant.id, job.id)
    with app.database.snapshot(tenant.id, actor=job.asked_by) as tx:
        now = app.clock.now()
        complete_until = now - jobs.longest_write(tx)
        found = exporting.export(app, tx, _asker(tenant, job), now, _wanted(job), folder, _Beating(app, tenant, job))
    return _manifest(complete_until, found)


def _manifest(complete_until: datetime, found: Exported) -> Mapping[str, Any]:
    return {
        "transactionTime": complete_until.isoformat(),
        "output": [asdict(one) for one in found.files],
        "deleted": [asdict(one) for one in found.deleted],
        "error": [],
    }


def _wanted(job: BulkJob) -> Wanted:
    given = job.parameters
    patients = given["patients"]
    extent = Extent(
        since=datetime.fromisoformat(given["since"]) if given["since"] else None,
        of_patients=given["of_patients"],
        patients=None if patients is None else tuple(patients),
    )
    filters = {name: tuple(found) for name, found in given["filters"].items()}
    return Wanted(types=tuple(given["types"]), extent=extent, filters=filters, output_format=given["output_format"])


def _import(app: App, tenant: Tenant, job: BulkJob) -> Mapping[str, Any]:
    """The sent file on the path of `careloop load`; what could not be used is a file of OperationOutcomes."""
    folder = folder_of(app, tenant.id, job.id)
    path, beat = folder / job.parameters["name"], _Beating(app, tenant, job)
    loader, done = Loader(app, tenant, _asker(tenant, job)), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        beat(done)

    loader.load(pieces(path), advance)
    loader.keep_rejects(pieces(path))
    loaded = loader.loaded
    faults = [Fault(at=f"{one.entry} {one.at}".strip(), expected=one.reason, code="invalid") for one in loaded.rejects]
    warnings = [Fault(at="file", expected=one, severity="warning", code="informational") for one in loaded.warnings]
    counts = {"created": loaded.created, "updated": loaded.updated, "unchanged": loaded.unchanged}
    lines = [encode(outcome([one])).decode() for one in (*faults, *warnings)]
    errors: list[Mapping[str, Any]] = []
    if lines:
        (folder / "errors.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
        errors = [{"resource_type": "OperationOutcome", "name": "errors.ndjson", "count": len(lines)}]
    now = app.clock.now().isoformat()
    return {"transactionTime": now, "output": [], "deleted": [], "error": errors, "counts": counts}


def _of_asker(principal: Principal) -> dict[str, Any]:
    return {
        "scopes": list(principal.scopes),
        "roles": sorted(principal.roles),
        "practitioner_id": principal.practitioner_id,
    }


def _asker(tenant: Tenant, job: BulkJob) -> Principal:
    """Whoever asked, with what they were permitted when they did."""
    return Principal(
        tenant_id=tenant.id,
        kind=PrincipalKind(job.asked_by_kind),
        id=job.asked_by,
        name=job.asked_by_name,
        roles=frozenset(map(Role, job.parameters["roles"])),
        scopes=tuple(job.parameters["scopes"]),
        practitioner_id=job.parameters["practitioner_id"],
        address=job.address,
    )
