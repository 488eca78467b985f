"""Bulk Data Access 2.0: how far a job is, what came of it, its files; and `$import`, which takes a file.

The kick-offs of `$export` are FHIR operations (`api/operations/export.py`).
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litestar import delete, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import File

from careloop.access.model import Principal
from careloop.access.policy import require, require_whole
from careloop.api import fhir_answers as answers
from careloop.api.authentication import app_of
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_requests import AnyRequest, base_of
from careloop.errors import Rejected
from careloop.fhir.jsons import encode
from careloop.flows import bulk_jobs
from careloop.flows.exporting import PARQUET
from careloop.record.bulk import BulkJob, JobState

Path_ = FromPath[str]
Known = NamedDependency[Principal]
STATUS = "bulk-status"
_FILE = "bulk-file"
_SENT = {
    "application/fhir+ndjson": "sent.ndjson",
    "application/ndjson": "sent.ndjson",
    "application/x-ndjson": "sent.ndjson",
}
_MOST_BYTES = 4_000_000_000
_RETRY_SECONDS = "1"


@get(f"/{STATUS}/{{job_id:str}}", sync_to_thread=True)
def status(request: AnyRequest, principal: Known, job_id: Path_) -> Answer:
    """202 while the job goes on, 200 with the manifest when it is done, 500 with the reason when it failed."""
    job = bulk_jobs.find(app_of(request), principal, job_id)
    if job.state in (JobState.WAITING, JobState.WORKING):
        headers = {"X-Progress": f"{job.progress} resources", "Retry-After": _RETRY_SECONDS}
        return answers.answer(b"", 202, headers)
    if job.state is JobState.FAILED:
        return answers.failed("the job", job.reason)
    headers = {"Expires": job.expires.strftime("%a, %d %b %Y %H:%M:%S GMT")} if job.expires else {}
    return Answer(
        encode(_manifest(job, base_of(request))), status_code=200, media_type="application/json", headers=headers
    )


@delete(f"/{STATUS}/{{job_id:str}}", sync_to_thread=True, status_code=202)
def cancel(request: AnyRequest, principal: Known, job_id: Path_) -> Answer:
    """The job is cancelled, or its files are removed."""
    bulk_jobs.cancel(app_of(request), principal, job_id)
    return answers.answer(b"", 202)


@get(f"/{_FILE}/{{job_id:str}}/{{name:str}}", sync_to_thread=True)
def file(request: AnyRequest, principal: Known, job_id: Path_, name: Path_) -> File:
    """One file of a finished job, for whoever asked for the job."""
    path = bulk_jobs.file_of(app_of(request), principal, job_id, name)
    kind = PARQUET if path.suffix == ".parquet" else "application/fhir+ndjson"
    return File(
        path=path, filename=name, media_type=kind,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


@post("/$import", status_code=202, request_max_body_size=_MOST_BYTES)
async def take_import(request: AnyRequest, principal: Known) -> Answer:
    """NDJSON of resources or bundles, `Content-Encoding: gzip` or plain, to be loaded by the worker."""
    require_whole(principal)
    require(principal, "create", "*")
    require(principal, "update", "*")
    name = _SENT.get(request.headers.get("content-type", "").split(";")[0].strip().lower())
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if name is None or encoding not in ("identity", "gzip"):
        raise HTTPException(status_code=415, detail="expected NDJSON (application/fhir+ndjson), plain or gzip")
    app = app_of(request)
    (app.settings.data_dir / "bulk").mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=app.settings.data_dir / "bulk") as folder:
        sent = Path(folder) / (f"{name}.gz" if encoding == "gzip" else name)
        with sent.open("wb") as spool:
            async for part in request.stream():
                spool.write(part)
        if not sent.stat().st_size:
            raise Rejected(at="body", expected="NDJSON of resources or bundles", code="required")
        job_id = await sync_to_thread(bulk_jobs.ask_import, app, principal, f"{base_of(request)}/$import", sent)
    return accepted(request, job_id)


def accepted(request: AnyRequest, job_id: str) -> Answer:
    """The job is on its way; `Content-Location` tells where to look."""
    return answers.answer(b"", 202, {"Content-Location": f"{base_of(request)}/{STATUS}/{job_id}"})


def _manifest(job: BulkJob, base: str) -> Mapping[str, Any]:
    found = job.manifest or {}
    return {
        "transactionTime": found["transactionTime"],
        "request": job.request,
        "requiresAccessToken": True,
        **{part: [_line(one, job, base) for one in found[part]] for part in ("output", "deleted", "error")},
        **({"extension": {"urn:careloop:import": found["counts"]}} if "counts" in found else {}),
    }


def _line(one: Mapping[str, Any], job: BulkJob, base: str) -> Mapping[str, Any]:
    return {"type": one["resource_type"], "url": f"{base}/{_FILE}/{job.id}/{one['name']}", "count": one["count"]}


handlers = [status, cancel, file, take_import]
