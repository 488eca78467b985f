"""A paper is attached to a patient and a matter: the document that pathways know as proof, with who did it and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.community import PartnerLink
from careloop.db import Transaction
from careloop.engagement.paper import store
from careloop.engagement.paper.model import PDF, Paper, Settled
from careloop.errors import NotFound, Rejected
from careloop.flows import engine, filing, partner_referrals, writing
from careloop.flows.app import App
from careloop.loops import store as loops
from careloop.record import Write

Json = dict[str, Any]
PAPER = "urn:careloop:paper"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of document, as `content/documents` has it."""

    id: str
    title: str
    loinc: str
    display: str
    answers: tuple[str, ...] = ()
    sheet: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """To whom and what a paper is attached. `matter` is what it answers, `link` the sheet that it came back with."""

    patient_id: str
    kind: str
    matter: str | None
    link: PartnerLink | None
    how: str


@dataclass(frozen=True, kw_only=True)
class Matter:
    """Something that a paper may answer: a reference, and its words."""

    reference: str
    says: str
    kind: str = ""


def kinds_of(app: App) -> dict[str, Kind]:
    """The kinds of document, in the order of the content."""
    found = app.catalog.document("documents", "kinds")["kinds"]
    return {one["id"]: Kind(**{**one, "answers": tuple(one.get("answers", ()))}) for one in found}


def kind_for(app: App, link: PartnerLink, *, is_sheet: bool) -> str:
    """The kind of document that a paper with the code of this link is: what the link awaits, or our own sheet."""
    kinds = kinds_of(app)
    if is_sheet:
        return next(one.id for one in kinds.values() if one.sheet)
    if link.expects in kinds:
        return str(link.expects)
    return next((one.id for one in kinds.values() if link.purpose.value in one.answers), next(iter(kinds)))


def is_id(text: str) -> bool:
    """True for what could be the id of a paper."""
    return _UUID.fullmatch(text) is not None


def attach(app: App, tx: Transaction, principal: Principal, paper: Paper, content: bytes, choice: Choice) -> str:
    """The document is in the record and the paper is attached; `DocumentReference/<id>`."""
    kind = kinds_of(app).get(choice.kind)
    if kind is None:
        raise Rejected(at="kind", expected="a kind of document", code="required")
    patient = app.record.fetch(tx, [f"Patient/{choice.patient_id}"]).get(f"Patient/{choice.patient_id}")
    if patient is None or patient.deleted:
        raise NotFound("there is no such patient")
    _require_matter(app, tx, choice)
    now, zone = app.clock.now(), ZoneInfo(engine.tenant_of(tx).zone)
    filed = filing.Filed(
        key=f"paper {paper.id} {_times(app, tx, paper)}",
        patient_id=choice.patient_id,
        content=content,
        content_type=paper.content_type if paper.is_whole else PDF,
        kind=(kind.loinc, kind.display),
        title=kind.title,
        came=paper.came,
        related=_related(choice),
        author=_author(choice.link),
        numbers=[(PAPER, paper.id)],
    )
    writes = filing.document_writes(tx.tenant_id, filed, zone)
    document = filing.document_of(writes)
    is_report = _is_report(app, tx, kind, choice)
    moved = [] if kind.sheet or is_report else _moved_task(app, tx, choice, document)
    written = writing.write(app, tx, principal, [*writes, *moved])
    if is_report and choice.matter is not None:
        partner_referrals.report(app, tx, principal, choice.matter, document)
    targets = [one.versioned_reference for one in written if one.resource_type != "Binary"]
    says = _says(paper, choice)
    note = filing.provenance(filed.key, targets, _who(principal), now, zone, says, tx.tenant_id)
    writing.write(app, tx, principal, [note])
    to = Settled(patient_id=choice.patient_id, document=document, kind=kind.id, matter=choice.matter, how=choice.how)
    store.attach(tx, paper.id, to, now, principal.reference)
    return document


def _times(app: App, tx: Transaction, paper: Paper) -> int:
    """How often this paper was filed and taken back: each filing is a document of its own."""
    return len(app.record.follow(tx, "DocumentReference", [("identifier", f"{PAPER}|{paper.id}")]))


def withdraw(app: App, tx: Transaction, principal: Principal, paper: Paper) -> None:
    """The document of the paper is marked as a mistake: what it proved is open again."""
    document = _document(app, tx, paper)
    writing.write(app, tx, principal, [filing.put({**document, "status": "entered-in-error"})])


def change_kind(app: App, tx: Transaction, principal: Principal, paper: Paper, kind_id: str) -> None:
    """The document is of another kind: what it proved as the old one is open again, what it proves now is proven."""
    kind = kinds_of(app).get(kind_id)
    if kind is None:
        raise Rejected(at="kind", expected="a kind of document", code="required")
    document = _document(app, tx, paper)
    coded = {"coding": [{"system": filing.LOINC, "code": kind.loinc, "display": kind.display}]}
    writing.write(app, tx, principal, [filing.put({**document, "type": coded, "description": kind.title})])


def matters(app: App, tx: Transaction, patient_id: str) -> list[Matter]:
    """What a paper about the patient may answer: their open loops, those that wait for a document first."""
    open_loops = [one for one in loops.load_loops(tx, patients=[patient_id]) if one.state.status.is_open]
    titles = engine.content_for(app, tx).pathways.active
    return [Matter(reference=one.state.focus, says=f"L-{one.number} {_title(titles, one)}") for one in open_loops]


def _title(titles: Mapping[str, Any], loop: loops.StoredLoop) -> str:
    known = titles.get(loop.state.pathway)
    return f"{known.title if known else loop.state.pathway}: {loop.state.about}".rstrip(": ")


def _require_matter(app: App, tx: Transaction, choice: Choice) -> None:
    """A matter is something of the same patient."""
    if choice.matter is None:
        return
    stored = app.record.fetch(tx, [choice.matter]).get(choice.matter)
    if stored is None or stored.deleted or stored.patient_id != choice.patient_id:
        raise Rejected(at="matter", expected="something that is open for this patient", code="business-rule")


def _related(choice: Choice) -> Sequence[str]:
    named = [choice.matter, choice.link.task if choice.link else None]
    return [one for one in named if one]


def _is_report(app: App, tx: Transaction, kind: Kind, choice: Choice) -> bool:
    """True for a specialist's report that answers a referral of ours."""
    answers = "specialist" in kind.answers and choice.matter is not None
    return answers and partner_referrals.is_referral(app, tx, choice.matter or "")


def _moved_task(app: App, tx: Transaction, choice: Choice, document: str) -> list[Write]:
    """The fulfilment Task names the document that came for it."""
    task = choice.link.task if choice.link else None
    stored = app.record.fetch(tx, [task]).get(task) if task else None
    if stored is None or stored.deleted:
        return []
    output = {"type": {"text": "report"}, "valueReference": {"reference": document}}
    return [filing.put({**stored.resource, "output": [*stored.resource.get("output", ()), output]})]


def _document(app: App, tx: Transaction, paper: Paper) -> Json:
    reference = paper.document or ""
    stored = app.record.fetch(tx, [reference]).get(reference)
    if stored is None or stored.deleted:
        raise NotFound("the document is not there any more")
    return dict(stored.resource)


def _author(link: PartnerLink | None) -> Mapping[str, Any] | None:
    if link is None:
        return None
    told = {"reference": link.partner_reference} if link.partner_reference else {}
    return {**told, "display": link.partner}


def _who(principal: Principal) -> Json:
    if principal.practitioner_id:
        return {"reference": principal.reference, "display": principal.name}
    return {"display": principal.name}


def _says(paper: Paper, choice: Choice) -> str:
    if choice.how == "code":
        return f"attached by the code {paper.codes[0] if paper.codes else ''}".strip()
    return "attached by a person"
