"""What a write comes to."""

from datetime import UTC, datetime

import pytest

from careloop.errors import Conflict, PreconditionFailed, Rejected
from careloop.events import ChangeKind
from careloop.record.decide import Current, decide, prepare
from careloop.record.model import Write

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASIC = {"resourceType": "Basic", "x": 1}


def write(method="update", resource=BASIC, **more) -> Write:
    return Write(method=method, resource_type="Basic", id=more.pop("id", "b"), resource=resource, **more)


def current(version=3, *, deleted=False, like=BASIC) -> Current:
    digest = prepare(write(resource=like)).content.digest
    return Current(
        key=1, version=version, deleted=deleted, digest=digest, last_updated=NOW, patient_id=None, tokens=frozenset()
    )


@pytest.mark.parametrize(
    ("asked", "standing", "change", "version"),
    [
        (write(), None, ChangeKind.CREATED, 1),
        (write("create"), None, ChangeKind.CREATED, 1),
        (write(), current(), ChangeKind.UNCHANGED, 3),
        (write(), current(like={**BASIC, "x": 2}), ChangeKind.UPDATED, 4),
        (write(), current(deleted=True), ChangeKind.CREATED, 4),
        (write("create"), current(deleted=True), ChangeKind.CREATED, 4),
        (write("delete", None), current(), ChangeKind.DELETED, 4),
        (write("delete", None), current(deleted=True), ChangeKind.UNCHANGED, 3),
        (write("delete", None), None, ChangeKind.UNCHANGED, 0),
        (write(if_match=3), current(), ChangeKind.UNCHANGED, 3),
    ],
)
def test_a_write_and_what_stands_decide_the_change(asked, standing, change, version):
    decision = decide(prepare(asked), standing)
    assert (decision.change, decision.version) == (change, version)


@pytest.mark.parametrize(
    ("asked", "standing", "error"),
    [
        (write(if_match=2), current(), PreconditionFailed),
        (write(if_match=1), None, PreconditionFailed),
        (write(if_match=3), current(deleted=True), PreconditionFailed),
        (write("delete", None, if_match=2), current(), PreconditionFailed),
        (write(if_none_match_any=True), current(), PreconditionFailed),
        (write("create"), current(), Conflict),
    ],
)
def test_a_wrong_premise_is_refused(asked, standing, error):
    with pytest.raises(error):
        decide(prepare(asked), standing)


@pytest.mark.parametrize(
    "asked",
    [
        write(id="a/b"),
        write(id="x" * 65),
        write(resource={"resourceType": "Patient"}),
        write(resource={**BASIC, "id": "other"}),
        write(resource=None),
        Write(method="update", resource_type="AuditEvent", id="a", resource={"resourceType": "AuditEvent"}),
    ],
)
def test_a_write_that_does_not_fit_together_is_refused(asked):
    with pytest.raises(Rejected):
        prepare(asked)
