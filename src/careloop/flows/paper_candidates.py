"""Whose a waiting paper may be: by its codes, by its text, by what a person looked for; each once, with all reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from careloop import identity
from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.engagement.paper.model import Paper
from careloop.errors import NotFound
from careloop.flows import document_inbox, paper_filing, patients
from careloop.flows.app import App
from careloop.flows.paper_filing import Matter
from careloop.flows.patient_reading import birth_date_of, full_name, record_number

MOST = 5


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A person whom a paper may be about, why, and what of theirs it may answer."""

    patient_id: str
    name: str
    born: date | None
    record_number: str
    reasons: tuple[str, ...] = ()
    matters: tuple[Matter, ...] = ()


def candidates(app: App, tx: Transaction, principal: Principal, paper: Paper, find: str) -> list[Candidate]:
    """The likeliest first. Nobody is chosen beforehand: a person does that."""
    found: dict[str, Candidate] = {}
    for one in _by_codes(app, tx, principal, paper):
        _join(found, one)
    for hit in document_inbox.suggestions(app, tx, principal, paper)[:MOST]:
        _join(found, Candidate(
            patient_id=hit.patient_id, name=hit.name, born=hit.born, record_number=hit.record_number,
            reasons=hit.reasons,
        ))  # fmt: skip
    for person in patients.find(app, tx, principal, find) if find else ():
        _join(found, Candidate(
            patient_id=person.patient_id, name=person.name, born=person.birth_date, record_number=person.record_number
        ))  # fmt: skip
    return [_with_loops(app, tx, one) for one in found.values()]


def _by_codes(app: App, tx: Transaction, principal: Principal, paper: Paper) -> list[Candidate]:
    found = []
    for code, link in document_inbox.links_on(app, tx, paper.pages).items():
        try:
            patient: Mapping[str, Any] = app.record.read(
                tx, principal, "Patient", identity.survivor_of(tx, link.patient_id)
            ).resource
        except NotFound:
            continue
        found.append(
            Candidate(
                patient_id=str(patient["id"]),
                name=full_name(patient),
                born=birth_date_of(patient),
                record_number=record_number(patient),
                reasons=(f"code {code} on page {paper.page_of(code)}",),
                matters=(Matter(reference=link.request, says=f"Sheet {link.sheet_number} to {link.partner}"),),
            )
        )
    return found


def _join(found: dict[str, Candidate], one: Candidate) -> None:
    before = found.get(one.patient_id)
    if before is not None:
        one = replace(before, reasons=(*before.reasons, *one.reasons), matters=(*before.matters, *one.matters))
    found[one.patient_id] = one


def _with_loops(app: App, tx: Transaction, one: Candidate) -> Candidate:
    """What is named already by a code is not named again as a loop."""
    named = {matter.reference for matter in one.matters}
    loops = [matter for matter in paper_filing.matters(app, tx, one.patient_id) if matter.reference not in named]
    return replace(one, matters=(*one.matters, *loops))
