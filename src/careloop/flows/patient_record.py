"""The record of one person in sections with every source, and the history of one fact. Audited reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import contradictions, people
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.contradiction_values import Waiting
from careloop.flows.patient_facts import FACT_TYPES, Chart, Resource, chart_of, provenances_of
from careloop.flows.patient_sections import by_source, row_of, sections_of, source_chips
from careloop.flows.patient_values import FactRow, Header, Section, SourceChip
from careloop.longitudinal import Fact, Matter, Source, longitudinal_of, told_by
from careloop.longitudinal.rules.saying import status_of, value_of
from careloop.record import Stored

_HEADER_TYPES = ("Task", "Communication")
_MOST_FACTS, _MOST_VERSIONS = 10, 20


@dataclass(frozen=True, kw_only=True)
class RecordPage:
    """Every fact of the person, folded. `sources` are those of the whole record, whatever the filter."""

    header: Header
    sections: tuple[Section, ...]
    sources: tuple[SourceChip, ...]
    contradictions: tuple[Waiting, ...]


@dataclass(frozen=True, kw_only=True)
class VersionLine:
    """One version of a fact: what it said, when it came, from whom."""

    number: int
    at: datetime
    says: str
    source: str


@dataclass(frozen=True, kw_only=True)
class ToldFact:
    """One fact of the matter with its versions, newest first; `more` when there are older ones."""

    row: FactRow
    versions: tuple[VersionLine, ...]
    more: bool


@dataclass(frozen=True, kw_only=True)
class FactPage:
    """The matter of a fact: the line as the page shows it, every fact behind it, and what contradicts them."""

    patient_id: str
    patient_name: str
    row: FactRow
    told: tuple[ToldFact, ...]
    contradictions: tuple[Waiting, ...]


def record_page(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    *,
    source: str | None = None,
    only: str | None = None,
) -> RecordPage:
    """All sections, or those of one `source`, or `only` one. `NotFound` for a foreign id and a missing one alike."""
    patient, chart, zone = _read(app, tx, principal, patient_id)
    sections = sections_of(chart, longitudinal_of(app.catalog), zone)
    shown = by_source(sections, source) if source else sections
    return RecordPage(
        header=reading.header_of(patient, chart.for_header, chart.now.astimezone(zone).date()),
        sections=tuple(section for section in shown if only in (None, section.key)),
        sources=source_chips(sections),
        contradictions=tuple(contradictions.of_patient(app, tx, patient_id)),
    )


def fact_page(app: App, tx: Transaction, principal: Principal, patient_id: str, kind: str, fact_id: str) -> FactPage:
    """Who told this fact, in which versions, and what others say of the same matter. `NotFound` where it is not one of
    this patient's facts."""
    patient, chart, zone = _read(app, tx, principal, patient_id)
    require(principal, "history", kind)
    reference = f"{kind}/{fact_id}"
    matter = next((one for one in chart.matters if any(fact.reference == reference for fact in one.facts)), None)
    if matter is None:
        raise NotFound("there is no such fact")
    content = longitudinal_of(app.catalog)
    mine = {fact.reference for fact in matter.facts}
    told = told_by(provenances_of(app, tx, [fact.reference for fact in matter.facts]), chart.people)
    return FactPage(
        patient_id=patient_id,
        patient_name=reading.full_name(patient),
        row=row_of(matter, chart, content, zone),
        told=tuple(
            _told(
                app, tx, principal, fact, row_of(Matter(shown=fact), chart, content, zone), told.get(fact.reference, ())
            )
            for fact in matter.facts[:_MOST_FACTS]
        ),
        contradictions=tuple(
            one
            for one in contradictions.of_patient(app, tx, patient_id)
            if any(side.reference in mine for side in (*one.left, *one.right))
        ),
    )


def _read(app: App, tx: Transaction, principal: Principal, patient_id: str) -> tuple[Resource, Chart, ZoneInfo]:
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    chart = chart_of(app, tx, patient_id, (*FACT_TYPES, *_HEADER_TYPES), app.clock.now())
    return patient, chart, people.zone_of(tx)


def _told(
    app: App, tx: Transaction, principal: Principal, fact: Fact, row: FactRow, told: Sequence[Source]
) -> ToldFact:
    page = app.record.history(tx, principal, fact.type, fact.id, count=_MOST_VERSIONS)
    by_version: dict[int, list[str]] = {}
    for source in told:
        by_version.setdefault(source.version or 0, []).append(source.name)
    unnamed = [] if told else [fact.sources[0].name]
    versions = [_version(entry.stored, by_version.get(entry.stored.version, unnamed)) for entry in page.entries]
    return ToldFact(row=row, versions=tuple(versions), more=page.next_cursor is not None)


def _version(stored: Stored, sources: Sequence[str]) -> VersionLine:
    says = "Deleted" if stored.deleted else _says(stored.resource)
    return VersionLine(
        number=stored.version,
        at=stored.last_updated,
        says=says,
        source=", ".join(dict.fromkeys(sources)) or "not stated",
    )


def _says(resource: Resource) -> str:
    parts = [status_of(resource).capitalize(), value_of(resource) if resource["resourceType"] == "Observation" else ""]
    return ", ".join(part for part in parts if part) or "No status"
