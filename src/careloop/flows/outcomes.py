"""What went wrong, as FHIR says it: an OperationOutcome and an HTTP status. Never the value itself."""

from collections.abc import Iterable
from typing import Any

from careloop.errors import (
    CareloopError,
    Conflict,
    Fault,
    Gone,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Rejected,
    Unavailable,
)

_STATUS: tuple[tuple[type[CareloopError], int], ...] = (
    (PreconditionFailed, 412),
    (Conflict, 409),
    (Gone, 410),
    (NotFound, 404),
    (NotAuthenticated, 401),
    (NotPermitted, 403),
    (Unavailable, 503),
)
_WORDS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_UNREADABLE = ("body", "resourceType", "search", "address", "If-Match")


def status_of(error: CareloopError, *, writing: bool) -> int:
    """The HTTP status: 422 for content that breaks a rule, 400 for a request that cannot be understood."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    if not isinstance(error, Rejected):
        return 500
    if error.issue_code == "not-supported" and error.at == "address":
        return 404
    return 400 if not writing or error.at in _UNREADABLE or error.at.endswith(".id") else 422


def status_line(status: int) -> str:
    """`201 Created`, as a bundle's response says it."""
    return f"{status} {_WORDS.get(status, '')}".strip()


def outcome_of(error: CareloopError) -> dict[str, Any]:
    """The OperationOutcome of an error, every fault with its place."""
    if isinstance(error, Rejected):
        return outcome(error.faults)
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": error.issue_code, "diagnostics": error.message}],
    }


def outcome(faults: Iterable[Fault]) -> dict[str, Any]:
    """The OperationOutcome of some faults; one that says all is well where there are none."""
    issues = [
        {
            "severity": fault.severity,
            "code": fault.code,
            "diagnostics": f"{fault.at}: expected {fault.expected}",
            "expression": [fault.at],
        }
        for fault in faults
    ]
    fine = {"severity": "information", "code": "informational", "diagnostics": "done"}
    return {"resourceType": "OperationOutcome", "issue": issues or [fine]}
