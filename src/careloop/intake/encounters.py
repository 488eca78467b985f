"""A folded stay as an Encounter, in the conventions that the loop engine reads. Pure."""

from collections.abc import Mapping
from typing import Any

from careloop.intake.datatypes import Json, Table
from careloop.intake.stays import Discharge, Interval, Stay
from careloop.intake.timestamps import Moment, instant_text

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NUBC = "https://www.nubc.org/patient-discharge"
ADMIT_UNKNOWN = "urn:careloop:admit-unknown"
DISCHARGE = "urn:careloop:discharge"
LEAVE = "urn:careloop:leave"
PENDING_DISCHARGE = "urn:careloop:pending-discharge"
_OURS = frozenset({ADMIT_UNKNOWN, DISCHARGE, LEAVE, PENDING_DISCHARGE})


def encounter(stay: Stay, encounter_id: str, tables: Mapping[str, Table]) -> Json:
    """The Encounter that `stay` is: status, class history, true admit, every discharge ever reported, places."""
    resource: Json = {
        "resourceType": "Encounter",
        "id": encounter_id,
        "status": stay.status,
        "class": _class(stay, tables),
        "subject": {"reference": f"Patient/{stay.patient_id}"},
    }
    history = [_class_row(row, tables) for row in stay.classes if row.start or row.end]
    optional = {
        "extension": _extensions(stay),
        "classHistory": history,
        "period": _period(stay.start, stay.end),
        "location": [_location_row(row, stay) for row in stay.locations],
    }
    resource |= {key: value for key, value in optional.items() if value}
    return _with_others(resource | _fields(stay), stay)


def _with_others(resource: Json, stay: Stay) -> Json:
    """Places that an event names beside the one where the person lies (before, planned): first, so that the last place
    is always where the person was last; and extensions that events told."""
    others = stay.fields.get("otherLocations")
    told = stay.fields.get("extension")
    if others:
        known = {row.what.get("reference") for row in stay.locations}
        added = [one for one in others if one["location"].get("reference") not in known]
        resource["location"] = [*added, *resource.get("location", [])]
        if not resource["location"]:
            del resource["location"]
    if told:
        resource["extension"] = [*_extensions(stay), *told]
    return resource


def merged_extensions(resource: Json, before: Mapping[str, Any]) -> Json:
    """The Encounter with the extensions that others wrote to it kept."""
    told = _OURS | {one.get("url") for one in resource.get("extension", [])}
    foreign = [one for one in before.get("extension", []) if one.get("url") not in told]
    if not foreign:
        return resource
    return {**resource, "extension": [*resource.get("extension", []), *foreign]}


def _class(stay: Stay, tables: Mapping[str, Table]) -> Json:
    code = stay.classes[-1].what if stay.classes else stay.last_class
    if code is None:
        return {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK", "display": "Unknown"}
    return _coding(code, tables)


def _coding(code: str, tables: Mapping[str, Table]) -> Json:
    shown = tables["encounter-class-display"].codes.get(code)
    return {"system": ACT_CODE, "code": code, **({"display": shown} if shown else {})}


def _class_row(row: Interval, tables: Mapping[str, Table]) -> Json:
    return {"class": _coding(row.what, tables), "period": _period(row.start, row.end)}


def _location_row(row: Interval, stay: Stay) -> Json:
    status = "completed" if row.end else ("planned" if stay.status == "planned" else "active")
    period = _period(row.start, row.end)
    return {"location": row.what, "status": status, **({"period": period} if period else {})}


def _period(start: Moment | None, end: Moment | None) -> Json:
    return {key: moment.text for key, moment in (("start", start), ("end", end)) if moment}


def _extensions(stay: Stay) -> list[Json]:
    found: list[Json] = []
    if stay.admit_unknown:
        found.append({"url": ADMIT_UNKNOWN, "valueBoolean": True})
    if stay.pending_discharge:
        found.append({"url": PENDING_DISCHARGE, "valueBoolean": True})
    found += [{"url": LEAVE, "valuePeriod": _period(row.start, row.end)} for row in stay.leaves]
    found += [_discharge(one) for one in sorted(stay.discharges, key=lambda one: (one.key, one.cancelled is None))]
    return found


def _discharge(discharge: Discharge) -> Json:
    parts: list[Json] = [
        {"url": "key", "valueString": instant_text(discharge.key)},
        {"url": "at", "valueDateTime": discharge.at.text},
    ]
    if discharge.disposition:
        parts.append({"url": "disposition", "valueCode": discharge.disposition})
    if discharge.cancelled:
        parts.append({"url": "cancelled", "valueDateTime": discharge.cancelled.text})
    parts.append({"url": "recorded", "valueDateTime": instant_text(discharge.recorded)})
    return {"url": DISCHARGE, "extension": parts}


def _fields(stay: Stay) -> Json:
    """Elements that events told as they are; dotted names go below `hospitalization`."""
    plain: Json = {}
    hospitalization: Json = {}
    for name, value in stay.fields.items():
        if name in ("otherLocations", "extension"):
            continue
        outer, _, inner = name.partition(".")
        if inner:
            hospitalization[inner] = value
        else:
            plain[outer] = value
    disposition = _disposition(stay)
    if disposition:
        hospitalization["dischargeDisposition"] = disposition
    return {**plain, **({"hospitalization": hospitalization} if hospitalization else {})}


def _disposition(stay: Stay) -> Json | None:
    standing = [one for one in stay.discharges if one.cancelled is None]
    if not standing or stay.status != "finished":
        return None
    last = max(standing, key=lambda one: one.key)
    coded = {"coding": [{"system": NUBC, "code": last.disposition}]} if last.disposition else {}
    worded = {"text": last.disposition_text} if last.disposition_text else {}
    return {**coded, **worded} or None
