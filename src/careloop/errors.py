"""The five ways a request can fail, and the one way content can.

Each error carries a FHIR issue code, so that every door answers alike: an `OperationOutcome`, an HL7 `AE` or `AR`,
a sentence on the screen. An error says where and what was expected, never the value itself: it may be someone's.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class CareloopError(Exception):
    """Base of all errors that an edge may answer with. `issue_code` is from FHIR `issue-type`."""

    issue_code = "exception"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong in an input: the place, what was expected there, and how bad it is."""

    at: str
    expected: str
    severity: str = "error"
    code: str = "invalid"


class Rejected(CareloopError):
    """The input is wrong. Says where (`PID-7`, `Patient.birthDate`) and what was expected."""

    issue_code = "invalid"

    def __init__(self, *, at: str, expected: str, code: str = "invalid", faults: Sequence[Fault] = ()) -> None:
        super().__init__(f"{at}: expected {expected}")
        self.at = at
        self.expected = expected
        self.issue_code = code
        self.faults = tuple(faults) or (Fault(at=at, expected=expected, code=code),)


class NotPermitted(CareloopError):
    """The principal may not do this. The message never tells whether the thing exists."""

    issue_code = "forbidden"


class NotAuthenticated(NotPermitted):
    """Nobody is known to be asking: no credential, or one that is wrong, ended or revoked. All of these look alike."""

    issue_code = "login"


class NotFound(CareloopError):
    """There is no such thing for this principal; a foreign id and a missing id look the same."""

    issue_code = "not-found"


class Gone(NotFound):
    """It existed for this principal and was deleted."""

    issue_code = "deleted"


class Conflict(CareloopError):
    """Somebody else changed it first, or a uniqueness rule would break."""

    issue_code = "conflict"


class PreconditionFailed(Conflict):
    """`If-Match` named another version, or a conditional form matched more than one resource."""


class Unavailable(CareloopError):
    """Try again: the database is restarting, a lock timed out, a limit was reached."""

    issue_code = "transient"

    def __init__(self, message: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Throttled(Unavailable):
    """Too many tries from one place, or for one name; more are refused unread until the wait is over."""

    issue_code = "throttled"


class ContentError(CareloopError):
    """Content files are wrong. Found at start-up; holds all faults of one run, each with file and path."""

    issue_code = "processing"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(f"{fault.at}: expected {fault.expected}" for fault in faults))
        self.faults = tuple(faults)
