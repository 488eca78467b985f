"""The packet: chosen parts about one person on paper, for staff or in the patient's plain words (issue 5, item 6).

The same blocks are a page to print and a PDF. Whoever prints says what for: the purpose goes with each read and into an
entry of its own. What carries a label of privacy goes on paper only for care, where a role that may see it asks for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.engagement.paper.pdf import Block, Heading, Sheet, Text, pdf_of
from careloop.errors import Rejected
from careloop.flows import contradictions, engine, people
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.brief_words import is_private
from careloop.flows.contradiction_values import Waiting
from careloop.flows.packet_parts import PARTS, Reader
from careloop.flows.patient_facts import CHART_TYPES, Chart, chart_of
from careloop.flows.patient_values import Header
from careloop.longitudinal.brief_content import brief_rules_of


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that can be chosen."""

    id: str
    title: str
    plain: str
    whose: frozenset[str]
    chosen: bool
    most: int


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """What a print is for: a code of v3-PurposeOfUse; `whose` words it is in."""

    id: str
    title: str
    code: str
    whose: str


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What can be chosen. `may_private`: this reader may have private facts printed."""

    header: Header
    contradictions: tuple[Waiting, ...]
    parts: tuple[Part, ...]
    purposes: tuple[Purpose, ...]
    may_private: bool


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody chose."""

    parts: Sequence[str]
    purpose: str
    private: bool = False


@dataclass(frozen=True, kw_only=True)
class Packet:
    """What goes on paper. `hidden`: private facts that were left out."""

    sheet: Sheet
    printed: datetime
    hidden: int

    def pdf(self) -> bytes:
        """The packet as PDF."""
        return pdf_of(self.sheet, self.printed)


def choices(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Choices:
    """What can be printed about this patient. Audited as a read of the patient."""
    require_action(principal, Action.WORKLIST_READ)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    chart = chart_of(app, tx, patient_id, CHART_TYPES, app.clock.now())
    content = _content(app, tx)
    return Choices(
        header=_header(app, tx, patient, chart),
        contradictions=tuple(contradictions.of_patient(app, tx, patient_id)),
        parts=_parts(content),
        purposes=_purposes(content),
        may_private=_may_private(app, tx, principal),
    )


def make(app: App, tx: Transaction, principal: Principal, patient_id: str, asked: Asked, way: str) -> Packet:
    """The packet as it was asked for; `way` says how it leaves (`paper`, `pdf`). `Rejected` where nothing was chosen or
    nobody said what for. Every read carries the purpose; the print is an entry of its own."""
    require_action(principal, Action.WORKLIST_READ)
    content = _content(app, tx)
    purpose, parts = _chosen(content, asked)
    principal = replace(principal, purpose=purpose.code)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    whole = chart_of(app, tx, patient_id, CHART_TYPES, app.clock.now())
    private = asked.private and purpose.code == "TREAT" and _may_private(app, tx, principal)
    chart = whole if private else _open(whole)
    reader = Reader(
        app=app,
        tx=tx,
        principal=principal,
        patient=patient,
        chart=chart,
        header=_header(app, tx, patient, chart),
        plain=purpose.whose == "patient",
        words=content["patient"],
        private=private,
        left_out=frozenset() if private else _private_of(app, tx, patient_id, whole),
    )
    blocks: list[Block] = []
    for part in parts:
        blocks.append(Heading(part.plain if reader.plain else part.title))
        blocks += PARTS[part.id](reader, part.most)
    hidden = len(reader.left_out)
    now = app.clock.now()
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="R",
            subtype="export",
            resource_type="Patient",
            resource_ids=[patient_id],
            patient_ids=[patient_id],
            detail=f"packet as {way} ({purpose.id}): {', '.join(part.id for part in parts)}",
        ),
    )
    return Packet(sheet=_sheet(reader, purpose, blocks, hidden, now), printed=now, hidden=hidden)


def _sheet(reader: Reader, purpose: Purpose, blocks: Sequence[Block], hidden: int, now: datetime) -> Sheet:
    header, words = reader.header, reader.words
    born = (
        f", born {header.birth_date.day} {header.birth_date:%b} {header.birth_date.year}" if header.birth_date else ""
    )
    zone = people.zone_of(reader.tx)
    site = engine.tenant_of(reader.tx).name
    local = now.astimezone(zone)
    when = f"{local:%-d %B %Y}, {local:%-I:%M} {'am' if local.hour < 12 else 'pm'}"
    number = f" · Record {header.record_number}" if header.record_number else ""
    lines = (f"{header.name}{born}{number}", f"Printed {when} by {reader.principal.name}, {site}")
    if reader.plain:
        around = [Text(words["intro"]), *blocks, Text(words["help"], bold=True), Text(words["language"])]
        kept = [Text(words["private"])] if hidden else []
        return Sheet(title=words["title"], blocks=[*around, *kept], header=lines, footer=(words["lost"],), size=16)
    are = "fact is" if hidden == 1 else "facts are"
    said = f"{hidden} private {are} left out: ask the practice." if hidden else ""
    return Sheet(
        title=f"Packet: {header.name}",
        blocks=[Text(f"{purpose.title}."), *([Text(said)] if said else []), *blocks],
        header=lines,
        footer=(f"Confidential. If this is not for you, call {site} and shred it.",),
    )


def _chosen(content: Mapping[str, Any], asked: Asked) -> tuple[Purpose, list[Part]]:
    """The purpose and the parts that it may have; what matters is not said twice where the brief says it first."""
    purpose = next((one for one in _purposes(content) if one.id == asked.purpose), None)
    if purpose is None:
        raise Rejected(at="purpose", expected="what it is for", code="required")
    parts = [one for one in _parts(content) if one.id in asked.parts and purpose.whose in one.whose]
    if any(one.id == "brief" for one in parts):
        parts = [one for one in parts if one.id != "matters"]
    if not parts:
        raise Rejected(at="part", expected="at least one part of the packet", code="required")
    return purpose, parts


def _content(app: App, tx: Transaction) -> Mapping[str, Any]:
    return engine.catalog_for(app, tx).document("briefs", "packet")


def _parts(content: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(
        Part(
            id=one["id"],
            title=one["title"],
            plain=one["plain"],
            whose=frozenset(one["for"]),
            chosen=one["chosen"],
            most=one["most"],
        )
        for one in content["parts"]
        if one["id"] in PARTS
    )


def _purposes(content: Mapping[str, Any]) -> tuple[Purpose, ...]:
    return tuple(
        Purpose(id=one["id"], title=one["title"], code=one["code"], whose=one["for"]) for one in content["purposes"]
    )


def _may_private(app: App, tx: Transaction, principal: Principal) -> bool:
    rules = brief_rules_of(engine.catalog_for(app, tx))
    return bool({role.value for role in principal.roles} & rules.private_roles)


def _header(app: App, tx: Transaction, patient: Mapping[str, Any], chart: Chart) -> Header:
    return reading.header_of(patient, chart.for_header, app.clock.now().astimezone(people.zone_of(tx)).date())


def _open(chart: Chart) -> Chart:
    """The chart without what carries a label of privacy."""
    return replace(
        chart,
        by_type={kind: [one for one in some if not is_private(one)] for kind, some in chart.by_type.items()},
        matters=[one for one in chart.matters if not any(is_private(fact.resource) for fact in one.facts)],
        memo={},
    )


_ON_PAPER = ("CarePlan", "MedicationDispense")
"""Beside the chart, what parts are read from."""


def _private_of(app: App, tx: Transaction, patient_id: str, chart: Chart) -> frozenset[str]:
    """References of what is private: of the chart, and of what parts read beside it. Work (Task) is never printed."""
    found = {
        f"{kind}/{one['id']}"
        for kind, some in chart.by_type.items()
        if kind != "Task"
        for one in some
        if is_private(one)
    }
    beside = app.record.of_patient(tx, patient_id, _ON_PAPER)
    return frozenset(found | {one.reference for one in beside if is_private(one.resource)})
