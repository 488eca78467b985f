"""Which resource stands on whose list (ME-01). Pure; the newest list of each source counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from careloop.medications.rules.reconciling.values import Source

Resource = Mapping[str, Any]
LOINC = "http://loinc.org"
DISCHARGE_LISTS = frozenset({"10183-2", "75311-1"})
"""LOINC: hospital discharge medications."""
DISCHARGE_DOCUMENTS = frozenset({"18842-5", "34105-7", "28655-9"})
"""LOINC: discharge summaries, whose medicines are those of the hospital's list."""
RECONCILED = "urn:careloop:reconciliation"
"""System of the identifiers of lists that a reconciliation wrote: `<id>|after`, `<id>|before-hospital`."""
HOME_LIST = "urn:careloop:home-list"
"""System of the identifiers of lists that were told from home."""
_TYPES = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
_FILL_GRACE = timedelta(days=30)
_FILL_UNKNOWN = timedelta(days=120)
_NEVER = frozenset({"entered-in-error", "draft", "cancelled", "declined"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """A list before its medicines are read: who told it, when, and the references on it."""

    source: Source
    who: str
    told: date | None
    references: tuple[str, ...]
    list_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What sources are told apart by: resources by reference; `from_document` the LOINC code of the document that a
    medicine came with; `names` of whoever is cited; `stays` the end of each hospital stay by its reference;
    `withdrawn` the ids of reconciliations that count no longer."""

    resources: Mapping[str, Resource]
    versions: Mapping[str, int] = field(default_factory=dict)
    lists: Sequence[Resource] = ()
    from_document: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    stays: Mapping[str, date] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()


def told_lists(chart: Chart, today: date) -> tuple[Told, ...]:
    """One list for each source that says anything, after what was reconciled last."""
    after = reconciled_list(chart)
    done = _Done(day=_day(after.get("date")) if after else None, seen=_seen(chart.lists, after))
    named = frozenset(_items(after)) if after else frozenset()
    old = frozenset(one for some in chart.lists if is_reconciled(some) for one in _items(some)) - named
    sources: dict[Source, list[str]] = {source: [] for source in Source}
    for reference, resource in sorted(chart.resources.items()):
        if str(resource.get("status")) in _NEVER or reference in old:
            continue
        source = Source.CLINIC if reference in named else source_of(reference, resource, chart)
        if reference in named or _counts(source, reference, chart, done, today):
            sources[source].append(reference)
    found = [_hospital(chart, sources[Source.HOSPITAL], done)]
    found += [_home(chart, source, sources[source], done) for source in (Source.PATIENT, Source.CAREGIVER)]
    found += [_plain(chart, source, sources[source]) for source in (Source.CLINIC, Source.PHARMACY)]
    order = list(Source)
    return tuple(sorted((one for one in found if one), key=lambda one: order.index(one.source)))


def source_of(reference: str, resource: Resource, chart: Chart) -> Source:
    """Who told of this medicine. What nobody can say came from our own record."""
    if reference.startswith("MedicationDispense/"):
        return Source.PHARMACY
    teller = str((resource.get("informationSource") or {}).get("reference", ""))
    if teller.startswith("Patient/"):
        return Source.PATIENT
    if teller.startswith("RelatedPerson/"):
        return Source.CAREGIVER
    if "discharge" in _codes(resource.get("category")) or chart.from_document.get(reference) in DISCHARGE_DOCUMENTS:
        return Source.HOSPITAL
    stay = str((resource.get("encounter") or resource.get("context") or {}).get("reference", ""))
    return Source.HOSPITAL if stay in chart.stays else Source.CLINIC


def reconciled_list(chart: Chart) -> Resource | None:
    """The list that the last reconciliation left, which is ours since then. One that was withdrawn left none."""
    found = [
        one
        for one in chart.lists
        if is_reconciled(one) and one.get("status") != "entered-in-error" and own_id(one) not in chart.withdrawn
    ]
    return max(found, key=lambda one: (str(one.get("date", "")), str(one.get("id"))), default=None)


def own_id(one: Resource) -> str:
    """The id of the reconciliation that wrote this list; empty for any other."""
    values = [str(each.get("value", "")) for each in one.get("identifier", ()) if each.get("system") == RECONCILED]
    return values[0].partition("|")[0] if values else ""


def is_reconciled(one: Resource) -> bool:
    """True for a list after a reconciliation."""
    return any(
        each.get("system") == RECONCILED and str(each.get("value", "")).endswith("|after")
        for each in one.get("identifier", ())
    )


def said_on(resource: Resource) -> date | None:
    """The day on which it was said: asserted, authored, handed over."""
    for name in ("dateAsserted", "authoredOn", "whenHandedOver", "whenPrepared", "effectiveDateTime"):
        if resource.get(name):
            return _day(resource[name])
    return _day((resource.get("effectivePeriod") or {}).get("start"))


@dataclass(frozen=True)
class _Done:
    """What was reconciled last: the day, and every medicine that was looked at then, with its version."""

    day: date | None
    seen: Mapping[str, str]

    def covers(self, chart: Chart, reference: str) -> bool:
        """True where this was looked at as it is now, or is older. What changed or came on the same day counts."""
        if self.day is None:
            return False
        version = self.seen.get(reference)
        if version is not None:
            return version in ("", str(chart.versions.get(reference, 1)))
        said = said_on(chart.resources[reference])
        return said is None or said < self.day


def _seen(lists: Sequence[Resource], after: Resource | None) -> Mapping[str, str]:
    """References on the lists before the last reconciliation, each with its version."""
    own = next(
        (str(one.get("value")) for one in (after or {}).get("identifier", ()) if one.get("system") == RECONCILED), ""
    )
    start = own.removesuffix("after") + "before-"
    found: dict[str, str] = {}
    for one in lists if own else ():
        if any(str(each.get("value", "")).startswith(start) for each in one.get("identifier", ())):
            for each in one.get("entry", ()):
                thing, _, version = str((each.get("item") or {}).get("reference", "")).partition("/_history/")
                found[thing] = version
    return found


def _counts(source: Source, reference: str, chart: Chart, done: _Done, today: date) -> bool:
    """Whether it says anything now: an old fill does not, nor does what was reconciled since."""
    resource = chart.resources[reference]
    if source is not Source.PHARMACY:
        return not done.covers(chart, reference)
    said = said_on(resource)
    if said is None:
        return False
    supply = (resource.get("daysSupply") or {}).get("value")
    last = timedelta(days=int(supply)) + _FILL_GRACE if supply is not None else _FILL_UNKNOWN
    return resource.get("status") in ("completed", "in-progress") and today <= said + last


def _hospital(chart: Chart, references: Sequence[str], done: _Done) -> Told | None:
    """The newest discharge list; without one, what was ordered for or told of the last stay."""
    lists = [
        one
        for one in chart.lists
        if one.get("status") == "current" and DISCHARGE_LISTS & _codes(one.get("code")) and not _own(one)
    ]
    newest = max(lists, key=lambda one: str(one.get("date", "")), default=None)
    if newest is not None and not _is_settled(newest, chart, done):
        items = tuple(one for one in _items(newest) if one in chart.resources)
        return Told(
            source=Source.HOSPITAL, who=_who(chart, newest), told=_day(newest.get("date")), references=items,
            list_id=str(newest.get("id")),
        )  # fmt: skip
    if not references:
        return None
    days = {reference: _stay_day(chart, reference) for reference in references}
    last = max((day for day in days.values() if day), default=None)
    mine = [one for one in references if days[one] is None or days[one] == last or last is None]
    return Told(source=Source.HOSPITAL, who="the hospital", told=last, references=tuple(mine))


def _is_settled(one: Resource, chart: Chart, done: _Done) -> bool:
    """True where the reconciliation came after this list, or looked at all that stands on it."""
    day, items = _day(one.get("date")), [each for each in _items(one) if each in chart.resources]
    if done.day is None or day is None:
        return False
    return day < done.day or (bool(items) and all(done.covers(chart, each) for each in items))


def _stay_day(chart: Chart, reference: str) -> date | None:
    resource = chart.resources[reference]
    stay = str((resource.get("encounter") or resource.get("context") or {}).get("reference", ""))
    return chart.stays.get(stay) or said_on(resource)


def _home(chart: Chart, source: Source, references: Sequence[str], done: _Done) -> Told | None:
    """The newest list that this person told whole, with what they told after it."""
    lists = [
        one
        for one in chart.lists
        if one.get("status") == "current"
        and any(each.get("system") == HOME_LIST for each in one.get("identifier", ()))
        and _list_source(one) is source
    ]
    newest = max(lists, key=lambda one: str(one.get("date", "")), default=None)
    day = _day(newest.get("date")) if newest else None
    if newest is None or _is_settled(newest, chart, done):
        return _plain(chart, source, references)
    items = [one for one in _items(newest) if one in chart.resources]
    later = [one for one in references if one not in items and (said_on(chart.resources[one]) or day) != day]
    later = [one for one in later if day is None or (said_on(chart.resources[one]) or day) > day]
    return Told(source=source, who=_who(chart, newest), told=day, references=(*items, *later))


def _plain(chart: Chart, source: Source, references: Sequence[str]) -> Told | None:
    if not references:
        return None
    days = [day for one in references if (day := said_on(chart.resources[one]))]
    who = sorted({_teller(chart, chart.resources[one]) for one in references} - {""})
    return Told(
        source=source, who=", ".join(who[:2]), told=max(days, default=None), references=tuple(sorted(references))
    )


def _teller(chart: Chart, resource: Resource) -> str:
    for name in ("informationSource", "requester"):
        one = resource.get(name) or {}
        if one:
            return chart.names.get(str(one.get("reference", "")), str(one.get("display", "")))
    performer = (resource.get("performer") or [{}])[0].get("actor") or {}
    return chart.names.get(str(performer.get("reference", "")), str(performer.get("display", "")))


def _who(chart: Chart, one: Resource) -> str:
    source = one.get("source") or {}
    return chart.names.get(str(source.get("reference", "")), str(source.get("display", "")))


def _list_source(one: Resource) -> Source:
    teller = str((one.get("source") or {}).get("reference", ""))
    return Source.CAREGIVER if teller.startswith("RelatedPerson/") else Source.PATIENT


def _own(one: Resource) -> bool:
    return any(each.get("system") in (RECONCILED, HOME_LIST) for each in one.get("identifier", ()))


def _items(one: Resource | None) -> list[str]:
    entries = (one or {}).get("entry", ())
    found = [str((each.get("item") or {}).get("reference", "")).split("/_history/")[0] for each in entries
             if not each.get("deleted")]  # fmt: skip
    return [one for one in dict.fromkeys(found) if one.startswith(_TYPES)]


def _codes(concepts: Any) -> frozenset[str]:
    some = concepts if isinstance(concepts, list | tuple) else [concepts or {}]
    return frozenset(str(coding.get("code")) for one in some for coding in one.get("coding", ()))


def _day(text: Any) -> date | None:
    """The day of a FHIR date or dateTime as it is written; of a month or year its first."""
    if not text:
        return None
    parts = str(text)[:10].split("-")
    if len(parts) == 3:
        return datetime.fromisoformat(str(text)[:10]).date()
    return date(int(parts[0]), int(parts[1]) if len(parts) > 1 else 1, 1)
