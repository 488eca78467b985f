"""Whole charts (`$everything`): what stands in the compartment of a patient or an encounter, and what that refers to.

One query for the chart and one for what its resources name elsewhere (practitioners, places, medications), whatever the
size. Pages follow the keys, so that each costs what it holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from careloop.access.audit import AuditEntry, action_of, record_audit
from careloop.access.model import Principal
from careloop.db import Row, Transaction
from careloop.db.exchange import Statement
from careloop.errors import Gone, NotFound, Rejected
from careloop.fhir import definitions as tables
from careloop.fhir.jsons import encode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import field_hash, value_hash
from careloop.record import store
from careloop.record.model import Stored

CARE_DATES = (
    "date", "onset-date", "occurrence", "authoredon", "effective", "effective-time", "whenhandedover", "whenprepared",
    "sent", "started", "start-date", "authored", "authored-on", "period", "recorded-date", "created", "issued",
)  # fmt: skip
"""The parameters that say when care was given, the first of a type counts. What has none is always in."""


_START = -2
_BETWEEN = "\x1e"


@dataclass(frozen=True, kw_only=True)
class ChartAsked:
    """Which chart and which part of it. `id` None: the charts of all patients. `care` is a half-open window of care
    dates, `since` the earliest last change, `types` None for all."""

    centre: Literal["Patient", "Encounter"]
    id: str | None
    types: Sequence[str] | None
    since: datetime | None
    care: tuple[datetime, datetime] | None
    count: int
    cursor: str | None
    base: str = ""


@dataclass(frozen=True, kw_only=True)
class ChartPage:
    """One page of a chart. `entries` are the entries of a searchset as JSON texts with commas between them, which the
    database has put together; `included` is what they refer to. `total` is known where one page is all."""

    entries: str
    shown: int
    total: int | None
    included: Sequence[Stored]
    next_cursor: str | None


def chart(tx: Transaction, principal: Principal, definitions: SearchDefinitions, asked: ChartAsked) -> ChartPage:
    """One page of the chart with what it refers to as included. `NotFound` or `Gone` where its centre is. Audited."""
    after = _after(asked.cursor)
    values = {
        "centre": asked.centre,
        "id": asked.id,
        "patient_id": asked.id if asked.centre == "Patient" else None,
        "tokens": store.array(_tokens(tx.tenant_id, definitions, asked)),
        "types": list(asked.types) if asked.types is not None else None,
        "since": asked.since,
        "fields": store.array(_care_fields(tx.tenant_id, definitions)) if asked.care else "{}",
        "low": asked.care[0] if asked.care else None,
        "high": asked.care[1] if asked.care else None,
        "after": after,
        "limit": asked.count,
        "itself": f"{asked.centre}/{asked.id}",
        "base": encode(f"{asked.base}/".lstrip("/"))[1:-1].decode(),
    }
    found = _ask(tx, asked, values, _plan(asked, after))
    names = _parts(found["names"])
    if asked.id is not None and after == _START and values["itself"] not in names:
        _check_centre(tx, asked)
    cursor = _cursor(found["last_key"])
    more = found["found"] == asked.count and _is_more(tx, asked, values, cursor)
    included = _linked(tx, asked, _parts(found["links"]) - names, values)
    _audit(tx, principal, asked, sorted(_parts(found["patients"])), found["found"] + len(included))
    return ChartPage(
        entries=found["entries"] or "",
        shown=found["found"],
        total=None if more or asked.cursor is not None else found["found"],
        included=included,
        next_cursor=cursor if more else None,
    )


def _ask(tx: Transaction, asked: ChartAsked, values: Mapping[str, object], plan: str) -> Row:
    statement = "chart_of_one" if asked.id is not None else "charts_of_all"
    [[found]] = tx.ask_all([Statement(store.SQL[statement], values, plan)])
    return found


def _is_more(tx: Transaction, asked: ChartAsked, values: Mapping[str, object], cursor: str) -> bool:
    """True where something stands behind a page that is full."""
    one_more = {**values, "after": _after(cursor), "limit": 1}
    return bool(_ask(tx, asked, one_more, "force_custom_plan")["found"])


def _parts(text: str | None) -> set[str]:
    """What the database has put into one text."""
    return set(filter(None, text.split(_BETWEEN))) if text else set()


def _plan(asked: ChartAsked, after: int) -> str:
    """A whole chart is planned once for all; what is asked of a part decides with what to begin, so that is planned
    each time for its own values."""
    whole = asked.id is not None and asked.types is None and asked.since is None and asked.care is None
    return "force_generic_plan" if whole and after == _START else "force_custom_plan"


def _linked(tx: Transaction, asked: ChartAsked, links: Collection[str], values: Mapping[str, object]) -> list[Stored]:
    """What the shown resources refer to that is no part of the chart, but for what earlier pages referred to."""
    wanted = set(links)
    if wanted and asked.id is not None and (values["after"] != _START or asked.centre != "Patient"):
        wanted -= {row["reference"] for row in tx.rows(store.SQL["links_before"], values)}
    pairs = [(kind, identity) for kind, _, identity in (one.partition("/") for one in sorted(wanted))]
    found = store.fetch(tx, [pair for pair in pairs if asked.types is None or pair[0] in asked.types])
    return [one for one in found if one.patient_id is None or asked.id is None or asked.centre != "Patient"]


def _tokens(tenant_id: int, definitions: SearchDefinitions, asked: ChartAsked) -> list[int]:
    """The tokens that put a resource into the compartment, of every type and parameter that may."""
    if asked.id is None:
        return []
    value = value_hash(f"{asked.centre}/{asked.id}")
    return [field_hash(tenant_id, kind, name) ^ value for kind, name in _memberships(definitions, asked.centre)]


_known: dict[str, tuple[tuple[str, str], ...]] = {}


def _memberships(definitions: SearchDefinitions, centre: str) -> Sequence[tuple[str, str]]:
    found = _known.get(centre)
    if found is None:
        compartment: Mapping[str, Sequence[str]] = tables.load().compartments[centre]
        pairs = ((kind, name) for kind, names in compartment.items() for name in names)
        found = _known[centre] = tuple(
            (kind, name) for kind, name in pairs if name in definitions.of(kind) and not _owns(definitions, kind, name)
        )
    return found


def _owns(definitions: SearchDefinitions, kind: str, name: str) -> bool:
    """True where the parameter names one patient whose the resource is: `patient_id` finds it."""
    walks = definitions.of(kind)[name].walks
    return name in ("patient", "subject") and not any(step.kind == "each" for walk in walks for step in walk.steps)


def _care_fields(tenant_id: int, definitions: SearchDefinitions) -> list[int]:
    found = []
    for kind in tables.load().resources:
        known = definitions.of(kind)
        name = next((one for one in CARE_DATES if one in known and known[one].type == "date"), None)
        if name is not None:
            found.append(field_hash(tenant_id, kind, name))
    return found


def _check_centre(tx: Transaction, asked: ChartAsked) -> None:
    """The centre stands, though it is not among what was asked for; else `NotFound` or `Gone`."""
    found = store.existing(tx, [(asked.centre, str(asked.id))])
    if not found:
        raise NotFound("there is no such resource")
    if any(found.values()):
        raise Gone("the resource was deleted")


def _after(cursor: str | None) -> int:
    if cursor is None:
        return _START
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise Rejected(at="_cursor", expected="the cursor of a next link", code="value")
    return int(cursor) - 1


def _cursor(last_key: int | None) -> str:
    """Where the next page begins: behind the last key, or behind the centre alone, which comes before all."""
    return "0" if last_key is None else str(last_key + 1)


def _audit(tx: Transaction, principal: Principal, asked: ChartAsked, patients: Sequence[str], count: int) -> None:
    """Whose charts were seen and how much of them; which resources, the chart itself says."""
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action=action_of("search"),
            subtype="everything",
            resource_type=asked.centre,
            resource_ids=[asked.id] if asked.id is not None else [],
            patient_ids=patients,
            query="&".join(f"_type={one}" for one in asked.types or ()),
            detail=f"{count} resources",
        ),
    )
