"""The audit trail as FHIR: IHE BALP `AuditEvent`, one for each entry and patient, read and search only.

Shapes follow IHE ITI Basic Audit Log Patterns 1.1 (profiles Read, Query, Create, Update, Delete and their Patient
forms): three agents at most (the program, the server, the person), the patient and the data or the query as entities.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import Interaction, require
from careloop.db import Transaction, load_queries
from careloop.errors import NotFound, Rejected
from careloop.fhir.dates import interval

_SQL = load_queries("careloop.access", "audit.sql")
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_REST = "http://hl7.org/fhir/restful-interaction"
_TYPE = {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"}
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_PROFILES = {"R": "Read", "E": "Query", "C": "Create", "U": "Update", "D": "Delete"}
_INTERACTIONS = {"search": "search-type", "history": "history-instance"}
_RESTFUL = frozenset(
    {"read", "vread", "update", "patch", "delete", "history-instance", "create", "search-type", "transaction", "batch"}
)
_SECURITY = {"login": ("110114", "110122"), "logout": ("110114", "110123"), "export": ("110106", "110106")}
_SOURCE, _DESTINATION = "110153", "110152"
_ID = re.compile(r"([1-9][0-9]{0,17})(?:\.([1-9][0-9]{0,5}))?")
_ABOUT_THE_ANSWER = frozenset({"_format", "_pretty", "_total"})
_NEWEST_FIRST = ("-date", "-_lastUpdated")
_PARAMETERS = ("patient", "agent", "action", "subtype", "outcome", "date", "_id", "_count", "_cursor")
_DEFAULT_COUNT, _MOST = 50, 500


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """AuditEvents, newest first; `next_cursor` goes into `_cursor` for the page after, None at the end."""

    events: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class AuditSearch:
    """A search as typed values; None means: any."""

    patient: str | None = None
    agent: str | None = None
    action: list[str] | None = None
    subtype: str | None = None
    outcome: str | None = None
    low: datetime | None = None
    high: datetime | None = None
    id: int | None = None
    before_id: int | None = None
    before_position: int = 0
    count: int = _DEFAULT_COUNT


def search_audit(tx: Transaction, principal: Principal, parameters: Sequence[tuple[str, str]]) -> AuditPage:
    """A page of the trail: by patient, agent, action, subtype, outcome, date, `_id`; `Rejected` for anything else.

    A search for one patient shows no other patient, also where one act concerned several.
    """
    require(principal, Interaction.SEARCH, "AuditEvent")
    search = parse_audit_search(parameters)
    rows = tx.rows(_SQL["search_audit"], {**_values(search), "count": search.count + 1})
    page = rows[: search.count]
    cursor = f"{page[-1]['id']}.{page[-1]['position'] or 0}" if len(rows) > search.count else None
    return AuditPage(events=[as_fhir(row) for row in page], next_cursor=cursor)


def read_audit_event(tx: Transaction, principal: Principal, event_id: str) -> dict[str, Any]:
    """One AuditEvent by its id (`<entry>` or `<entry>.<patient's position>`), else `NotFound`."""
    require(principal, Interaction.READ, "AuditEvent")
    match = _ID.fullmatch(event_id)
    search = AuditSearch(id=int(match[1]) if match else -1, count=_MOST)
    for row in tx.rows(_SQL["search_audit"], _values(search)):
        if _event_id(row) == event_id:
            return as_fhir(row)
    raise NotFound("there is no such AuditEvent")


def parse_audit_search(parameters: Sequence[tuple[str, str]]) -> AuditSearch:
    """The search in typed values; `Rejected` names the parameter that is unknown or has a wrong value."""
    values: dict[str, Any] = {}
    for name, value in parameters:
        if name in _ABOUT_THE_ANSWER or (name == "_sort" and value in _NEWEST_FIRST):
            continue
        if name not in _PARAMETERS or (name in values and name != "date"):
            raise Rejected(at=name, expected=f"each of {', '.join(_PARAMETERS)} at most once", code="not-supported")
        if name == "date":
            _narrow(values, value)
        else:
            values |= _parsed(name, value)
    return AuditSearch(**values)


def as_fhir(row: Mapping[str, Any]) -> dict[str, Any]:
    """The AuditEvent of one entry for one of its patients (`patient_id`, `position`; None where it has none)."""
    kind, subtype = _codes(row["subtype"])
    profile = _profile(row)
    recorded = _instant(row["recorded"])
    event = {
        "resourceType": "AuditEvent",
        "id": _event_id(row),
        "meta": {"versionId": "1", "lastUpdated": recorded, **({"profile": [profile]} if profile else {})},
        "type": kind,
        "subtype": [subtype],
        "action": row["action"],
        "recorded": recorded,
        "outcome": row["outcome"],
        "outcomeDesc": row["detail"],
        "agent": _agents(row),
        "source": {
            "observer": {"display": "Careloop"},
            "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
        },
        "entity": [*_patient(row), *_data(row), *_query(row)],
    }
    return {name: value for name, value in event.items() if value not in (None, [])}


def _parsed(name: str, value: str) -> dict[str, Any]:
    match name:
        case "patient":
            return {"patient": value.removeprefix("Patient/")}
        case "action":
            return {"action": value.split(",")}
        case "_count":
            if not value.isascii() or not value.isdigit() or int(value) < 1:
                raise Rejected(at="_count", expected="a whole number above 0")
            return {"count": min(int(value), _MOST)}
        case "_id" | "_cursor":
            match = _ID.fullmatch(value.removesuffix(".0"))
            if match is None:
                raise Rejected(at=name, expected="an id as this server gave it")
            position = int(match[2] or 0)
            return {"id": int(match[1])} if name == "_id" else {"before_id": int(match[1]), "before_position": position}
        case _:
            return {name: value.rpartition("|")[2]}


def _narrow(values: dict[str, Any], text: str) -> None:
    """`values` keep the part of their interval that `date=<prefix><date>` allows; an entry has an exact instant."""
    prefix = text[:2] if text[:2].isalpha() else "eq"
    low, high = interval(text.removeprefix(prefix), UTC)
    match prefix:
        case "eq":
            bounds: tuple[datetime | None, datetime | None] = (low, high)
        case "gt" | "sa":
            bounds = (high, None)
        case "ge":
            bounds = (low, None)
        case "lt" | "eb":
            bounds = (None, low)
        case "le":
            bounds = (None, high)
        case _:
            raise Rejected(at="date", expected="a prefix of eq, gt, ge, lt, le, sa, eb", code="not-supported")
    for name, bound, tighter in (("low", bounds[0], max), ("high", bounds[1], min)):
        if bound is not None:
            values[name] = tighter(values.get(name, bound), bound)


def _values(search: AuditSearch) -> dict[str, Any]:
    return {name: getattr(search, name) for name in search.__dataclass_fields__}


def _event_id(row: Mapping[str, Any]) -> str:
    return f"{row['id']}.{row['position']}" if row["position"] else str(row["id"])


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _codes(subtype: str) -> tuple[dict[str, str], dict[str, str]]:
    if subtype in _SECURITY:
        kind, code = _SECURITY[subtype]
        return {"system": _DCM, "code": kind}, {"system": _DCM, "code": code}
    code = _INTERACTIONS.get(subtype, subtype)
    return _TYPE, {"system": _REST if code in _RESTFUL else "urn:careloop:audit", "code": code}


def _profile(row: Mapping[str, Any]) -> str | None:
    """The BALP profile that the event claims: only for a plain interaction that succeeded."""
    plain = row["subtype"] in ("read", "vread", "search", "create", "update", "delete")
    if row["outcome"] != "0" or not plain:
        return None
    return f"{_PROFILE}{'Patient' if row['patient_id'] else ''}{_PROFILES[row['action']]}"


def _agents(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who asked, the server, and, where a person asked through our pages, that person (BALP agent slices)."""
    client, server = (_DESTINATION, _SOURCE) if row["action"] == "R" else (_SOURCE, _DESTINATION)
    network = {"network": {"address": row["address"], "type": "2"}} if row["address"] else {}
    purpose = [{"coding": [{"system": _PURPOSE, "code": row["purpose"]}]}]
    who = {"reference": row["agent_reference"], "display": row["agent_name"]}
    person = row["agent_kind"] == "user"
    program = {"display": "Careloop pages"} if person else who
    asking = {"type": _role(client), "who": program, "requestor": not person, **network}
    us = {"type": _role(server), "who": {"display": "Careloop"}, "requestor": False}
    if not person:
        return [{**asking, "purposeOfUse": purpose}, us]
    recipient = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
    return [asking, us, {"type": recipient, "who": who, "requestor": True, "purposeOfUse": purpose, **network}]


def _role(code: str) -> dict[str, Any]:
    return {"coding": [{"system": _DCM, "code": code}]}


def _patient(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not row["patient_id"]:
        return []
    return [_entity({"what": {"reference": f"Patient/{row['patient_id']}"}}, kind="1", role="1")]


def _data(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources, where the entry is about one patient or none: nobody's entry names what belongs to another."""
    if row["patients"] > 1 or row["subtype"] == "search":
        return []
    return [
        _entity({"what": {"reference": name if "/" in name else f"{row['resource_type']}/{name}"}}, kind="2", role="4")
        for name in row["resource_ids"]
    ]


def _query(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    if row["query"] is None:
        return []
    return [_entity({"query": b64encode(row["query"].encode()).decode()}, kind="2", role="24")]


def _entity(what: dict[str, Any], *, kind: str, role: str) -> dict[str, Any]:
    return {
        **what,
        "type": {"system": _ENTITY_TYPE, "code": kind},
        "role": {"system": _ENTITY_ROLE, "code": role},
    }
