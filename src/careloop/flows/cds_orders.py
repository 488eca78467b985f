"""`order-sign`: was the same test or service done or asked for lately, anywhere that our record knows of?

What is the same, and how lately, is content (`content/cds/duplicates.yaml`). A card never holds an order back.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.policy import may
from careloop.errors import Rejected
from careloop.fhir.dates import interval
from careloop.flows.cds_cards import Place, card, days_ago, plain
from careloop.flows.interactions import Interaction
from careloop.flows.timeline import text_of
from careloop.record import Stored

Resource = Mapping[str, Any]
Code = tuple[str, str]
MOST_ORDERS = 20
"""Orders of one request that are looked at."""

_DONE = (
    ("DiagnosticReport", "date", "status", "final,amended,corrected,preliminary"),
    ("Observation", "date", "status", "final,amended,corrected,preliminary"),
    ("Procedure", "date", "status", "completed"),
)
_PENDING = ("ServiceRequest", "authored", "status", "active,on-hold")


@dataclass(frozen=True, kw_only=True)
class Sameness:
    """What counts as the same order, and for how long."""

    document: Mapping[str, Any]

    def of(self, order: Resource) -> tuple[frozenset[Code], int]:
        """The codes that mean the same as the order, and its window in days; no codes where a repeat is on purpose."""
        codes = frozenset(_codes(order.get("code")))
        if any((one["system"], one["code"]) in codes for one in self.document["repeated"]):
            return frozenset(), 0
        for group in self.document["groups"]:
            members = frozenset((one["system"], one["code"]) for one in group["codes"])
            if members & codes:
                return codes | members, int(group["days"])
        return codes, self._window(order)

    def _window(self, order: Resource) -> int:
        categories = {code for one in _listed(order.get("category")) for _, code in _codes(one)}
        windows = {one["category"]: one for one in self.document["windows"]}
        fitting = (one for one in windows.values() if categories & set(one["codes"]))
        return int(next(fitting, windows["other"])["days"])


@dataclass(frozen=True, kw_only=True)
class _Found:
    stored: Stored
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """The same, done or asked for lately: what, when, where, the result; within how many days it was looked for."""

    reference: str
    version: str
    name: str
    at: datetime
    place: str
    result: str
    is_pending: bool
    days: int


def repeated(
    door: Interaction, patient_id: str, order: Resource, zone: ZoneInfo, *, without: Collection[str] = ()
) -> Repeated | None:
    """What stands in the record that an order would repeat, the newest; what is done counts before what is asked for.
    `without` are references that belong to the order itself."""
    sameness = Sameness(document=door.app.catalog.document("cds", "duplicates"))
    codes, days = sameness.of(order)
    found = _latest(door, patient_id, order, codes, days, zone, without) if codes else None
    if found is None:
        return None
    resource = found.stored.resource
    pending = found.stored.resource_type == "ServiceRequest"
    return Repeated(
        reference=found.stored.reference,
        version=found.stored.versioned_reference,
        name=_said(resource.get("code")) or text_of(resource.get("code")) or "The same",
        at=found.at,
        place=_where(resource),
        result="" if pending else _result(resource),
        is_pending=pending,
        days=days,
    )


def cards(door: Interaction, place: Place, patient_id: str, drafts: Sequence[Resource], zone: ZoneInfo) -> list[Any]:
    """A card for each draft order that repeats something, at most one each."""
    sameness = Sameness(document=door.app.catalog.document("cds", "duplicates"))
    found = (_card(door, place, patient_id, order, sameness, zone) for order in drafts[:MOST_ORDERS])
    return [one for one in found if one is not None]


def draft_orders(context: Mapping[str, Any]) -> list[Resource]:
    """The draft ServiceRequests of a hook's context; `Rejected` where there is no Bundle of them."""
    bundle = context.get("draftOrders")
    if not isinstance(bundle, Mapping) or bundle.get("resourceType") != "Bundle":
        raise Rejected(at="context.draftOrders", expected="a Bundle", code="required")
    entries = [one.get("resource") for one in _listed(bundle.get("entry")) if isinstance(one, Mapping)]
    return [one for one in entries if isinstance(one, Mapping) and one.get("resourceType") == "ServiceRequest"]


def _card(
    door: Interaction, place: Place, patient_id: str, order: Resource, sameness: Sameness, zone: ZoneInfo
) -> Mapping[str, Any] | None:
    codes, days = sameness.of(order)
    latest = _latest(door, patient_id, order, codes, days, zone) if codes else None
    if latest is None:
        return None
    resource = latest.stored.resource
    name = _said(order.get("code")) or text_of(resource.get("code")) or "This order"
    pending = latest.stored.resource_type == "ServiceRequest"
    when, where = days_ago(latest.at, door.app.clock.now(), zone), _where(resource)
    result = "" if pending else _result(resource)
    said = f"{name}: same {'ordered' if pending else 'test'} {when}{f' at {where}' if where else ''}"
    summary = f"{said}: {result}" if result else said + (", not done yet" if pending else "")
    return {
        **card(place, f"order|{latest.stored.reference}", summary, "warning"),
        "detail": plain(summary) + f". Looked for within {days} days.",
        "links": [{"label": "Open in Careloop", "type": "absolute", "url": f"{place.base}/patients/{patient_id}"}],
    }


def _latest(
    door: Interaction,
    patient_id: str,
    order: Resource,
    codes: frozenset[Code],
    days: int,
    zone: ZoneInfo,
    without: Collection[str] = (),
) -> _Found | None:
    """The newest of the same within the window; what is done counts before what is only asked for."""
    since = door.app.clock.now() - timedelta(days=days)
    coded = ",".join(f"{system}|{code}" for system, code in sorted(codes))
    own = {str(one.get("value")) for one in _listed(order.get("identifier")) if isinstance(one, Mapping)}
    for searches in (_DONE, (_PENDING,)):
        found = [one for asked in searches for one in _searched(door, patient_id, coded, since, asked, zone)]
        found = [one for one in found if not _belongs(one.stored, without)]
        others = [
            one for one in found if not own & {str(i.get("value")) for i in one.stored.resource.get("identifier", ())}
        ]
        if others:
            return max(others, key=lambda one: one.at)
    return None


def _belongs(stored: Stored, without: Collection[str]) -> bool:
    """It is one of these, or was done because of one of them."""
    based = {str(one.get("reference", "")) for one in _listed(stored.resource.get("basedOn"))}
    return stored.reference in without or bool(based & set(without))


def _searched(
    door: Interaction, patient_id: str, coded: str, since: datetime, asked: tuple[str, str, str, str], zone: ZoneInfo
) -> Iterator[_Found]:
    kind, date, status, states = asked
    if not may(door.principal, "search", kind):
        return
    floor = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pairs = [("patient", patient_id), ("code", coded), (status, states), (date, f"ge{floor}"), ("_sort", f"-{date}"),
             ("_count", "3")]  # fmt: skip
    now = door.app.clock.now()
    for stored in door.search(kind, pairs, None).entries:
        at = _instant(stored.resource, zone)
        if at is not None and since <= at <= now + timedelta(days=1):
            yield _Found(stored=stored, at=at)


def _instant(resource: Resource, zone: ZoneInfo) -> datetime | None:
    """When it was done or asked for."""
    for name in ("effectiveDateTime", "effectiveInstant", "performedDateTime", "authoredOn", "issued"):
        if isinstance(resource.get(name), str):
            return interval(resource[name], zone)[0]
    period = resource.get("effectivePeriod") or resource.get("performedPeriod") or {}
    text = period.get("start") or period.get("end")
    return interval(text, zone)[0] if isinstance(text, str) else None


def _where(resource: Resource) -> str:
    """The place that the resource names itself: its performer or requester."""
    named = [*_listed(resource.get("performer")), resource.get("requester"), resource.get("location")]
    for one in named:
        actor = one.get("actor", one) if isinstance(one, Mapping) else {}
        if isinstance(actor, Mapping) and actor.get("display"):
            return str(actor["display"])
    return ""


def _result(resource: Resource) -> str:
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, Mapping) and "value" in quantity:
        sign, unit = quantity.get("comparator", ""), quantity.get("unit") or quantity.get("code") or ""
        return f"{sign}{quantity['value']} {unit}".strip()
    coded = text_of(resource.get("valueCodeableConcept"))
    return str(coded or resource.get("valueString") or resource.get("conclusion") or "")


def _codes(concept: Any) -> list[Code]:
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    return [
        (one["system"], one["code"])
        for one in _listed(codings)
        if isinstance(one, Mapping) and isinstance(one.get("system"), str) and isinstance(one.get("code"), str)
        if not set(one["system"] + one["code"]) & set(",|$\\")
    ]


def _said(concept: Any) -> str:
    """What a CodeableConcept that nobody has checked yet says."""
    if not isinstance(concept, Mapping):
        return ""
    displays = [one.get("display") for one in _listed(concept.get("coding")) if isinstance(one, Mapping)]
    return next((one for one in (concept.get("text"), *displays) if isinstance(one, str) and one), "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
