"""The Tasks of the person-match review: each says what its pair's row says (interface.md §4, `person-match`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.fhir.ids import derived_id, new_id
from careloop.flows.app import App
from careloop.identity import Reason, matches
from careloop.identity.model import MatchRow, MatchState
from careloop.record import Write

Resource = dict[str, Any]

REASON_WORDS = {
    Reason.DEMOGRAPHICS: "Name, birth date and other facts are alike",
    Reason.IDENTIFIER: "One number was used for both",
    Reason.LOOK_ALIKE: "Two numbers look the same and are not",
    Reason.PRIOR_APPEARED: "A merge was waiting for this patient",
}

_STATUS = {
    MatchState.OPEN: "accepted",
    MatchState.ASKING: "on-hold",
    MatchState.SAME: "completed",
    MatchState.DIFFERENT: "completed",
    MatchState.WITHDRAWN: "cancelled",
}


def announce(app: App, tx: Transaction) -> int:
    """Every pair's Task says what the pair's row says; answers how many Tasks were written. Safe at any time."""
    rows = matches.unannounced(tx)
    if not rows:
        return 0
    now, zone = app.clock.now(), ZoneInfo(app.tenant(tx.tenant_id).zone)
    queue = f"CareTeam/{derived_id(tx.tenant_id, 'care-team', 'queue')}"
    resources = [task for row in rows for task in _tasks(row, queue, now, zone)]
    writes = [_put(resource) for resource in resources]
    app.record.write(tx, system_principal(tx.tenant_id, "identity"), now, writes, validate=False, audit=False)
    matches.mark_announced(tx, rows)
    return len(rows)


def _tasks(row: MatchRow, queue: str, now: datetime, zone: ZoneInfo) -> list[Resource]:
    """The loop Task of a pair, its step `decided`, and the Provenance of this change of state (interface.md §4)."""
    provenance_id = new_id()
    shared = _shared(row, queue, now, zone, provenance_id)
    loop = {
        **shared,
        "id": row.id,
        "instantiatesUri": "urn:careloop:pathway:person-match|1.0.0",
        "code": {"coding": [{"system": "urn:careloop:pathway", "code": "person-match"}], "text": "May be one person"},
        "focus": {"reference": f"Patient/{row.right}"},
        "description": REASON_WORDS[row.reason],
    }
    step = {
        **shared,
        "id": row.step_task_id,
        "partOf": [{"reference": f"Task/{row.id}"}],
        "code": {"coding": [{"system": "urn:careloop:step", "code": "decided"}], "text": "Decide: same person or not"},
        **_proof(row),
    }
    return [loop, step, _provenance(row, provenance_id, [row.id, row.step_task_id], now)]


def _shared(row: MatchRow, queue: str, now: datetime, zone: ZoneInfo, provenance_id: str) -> Resource:
    ended = row.decided or (now if row.state is MatchState.WITHDRAWN else None)
    period = {"start": _instant(row.opened, zone), **({"end": _instant(ended, zone)} if ended else {})}
    late = row.waits and row.due < now
    clock = "overdue" if late else "waiting" if row.state is MatchState.ASKING else "on-time"
    shared: Resource = {
        "resourceType": "Task",
        "status": _STATUS[row.state],
        "intent": "order",
        "businessStatus": {"coding": [{"system": "urn:careloop:clock", "code": clock}]},
        "for": {"reference": f"Patient/{row.left}"},
        "authoredOn": _instant(row.opened, zone),
        "lastModified": _instant(now, zone),
        "owner": {"reference": queue},
        "restriction": {"period": {"end": _instant(row.due, zone)}},
        "executionPeriod": period,
        "relevantHistory": [{"reference": f"Provenance/{provenance_id}"}],
    }
    if row.state is MatchState.ASKING:
        shared["statusReason"] = {"text": "Nobody can tell yet: find out first"}
    elif row.state is not MatchState.OPEN:
        shared["statusReason"] = _status_reason(row)
    if row.why or row.asking:
        shared["note"] = [{"text": row.why or row.asking}]
    return shared


def _status_reason(row: MatchRow) -> Resource:
    code = {MatchState.SAME: "merged", MatchState.WITHDRAWN: "not-applicable"}.get(row.state, "other")
    words = {MatchState.SAME: "The same person", MatchState.DIFFERENT: "Two different people"}.get(row.state)
    reason: Resource = {"coding": [{"system": "urn:careloop:reason", "code": code}]}
    return {**reason, "text": words} if words else reason


def _proof(row: MatchRow) -> Resource:
    if row.state is not MatchState.SAME:
        return {}
    evidence = {"coding": [{"system": "urn:careloop:evidence", "code": "merge"}]}
    return {"output": [{"type": evidence, "valueReference": {"reference": f"Patient/{row.left}"}}]}


def _provenance(row: MatchRow, provenance_id: str, tasks: Sequence[str], now: datetime) -> Resource:
    who = row.decided_by or "Device/identity"
    return {
        "resourceType": "Provenance",
        "id": provenance_id,
        "target": [{"reference": f"Task/{one}"} for one in tasks],
        "recorded": now.isoformat(timespec="milliseconds"),
        "reason": [{"text": f"{row.state.value}: {row.why or row.asking or REASON_WORDS[row.reason]}"}],
        "agent": [{"who": {"reference": who}}],
    }


def _instant(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def _put(resource: Resource) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
