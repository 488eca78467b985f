"""The document inbox: files of pages come in, find their matter by a code, or wait for a person (ui.md §7.13).

A sheet code of ours attaches a file by itself, once, and asks for a glance. Everything else is suggested with reasons
and attached by a person: nothing is filed by guess. The pages stay as they came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloop import community, identity
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, system_principal
from careloop.access.policy import Action, require, require_action, require_whole
from careloop.community import PartnerLink
from careloop.db import Transaction
from careloop.engagement.paper import reading, store, turning
from careloop.engagement.paper.model import TURNS, Counts, NewPaper, Page, Paper
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import engine, paper_filing, paper_matching
from careloop.flows.app import App
from careloop.flows.paper_filing import Choice, kind_for
from careloop.loops.rules.calendar import Span, after

_LATE_AFTER = Span(amount=1, unit="business-days")
"""A paper that belongs to nobody for longer is itself late (ui.md §7.13)."""
_COVER_PAGES = 2
"""A code counts for the whole file where it stands on one of the first pages: a cover sheet may lie before it."""
_MOST_NAME = 120


@dataclass(frozen=True, kw_only=True)
class Received:
    """What became of a file: its paper, whether it was here before, whether a code attached it."""

    paper_id: str
    repeated: bool
    attached: bool


def require_inbox(principal: Principal) -> None:
    """Nothing happens for whoever may work loops and write documents."""
    require_whole(principal)
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "DocumentReference")


def receive(app: App, principal: Principal, name: str, content: bytes, source: str) -> Received:
    """The file is in the inbox, and attached where a code of ours names one matter. The same file again changes
    nothing. `Rejected` says why a file cannot be taken."""
    require_inbox(principal)
    kind = reading.type_of(content)
    looked = reading.look(content)
    pages = paper_matching.pages_of(looked)
    shown = content if all(one.turn == 0 for one in pages) else reading.cut(content, pages)

    def work(tx: Transaction) -> Received:
        links = links_on(app, tx, pages)
        new = NewPaper(
            id=new_id(),
            name=" ".join(name.split())[:_MOST_NAME] or "file",
            content_type=kind,
            content=content,
            source=source,
            looked=looked,
            pages=pages,
        )
        now = app.clock.now()
        if not store.add_paper(tx, new, now=now, late_at=_late_at(app, tx, now), by=principal.reference):
            return Received(paper_id=store.find_file(tx, content) or "", repeated=True, attached=False)
        _note(tx, principal, "create", new.id, (), "a paper came in")
        link = _the_link(pages, links)
        if link is not None:
            only_sheets = all(set(one.codes) & set(links) for one in pages)
            _attach_by_code(app, tx, new.id, link, shown, only_sheets=only_sheets)
        return Received(paper_id=new.id, repeated=False, attached=link is not None)

    return app.database.run(principal.tenant_id, work, actor=principal.reference)


def links_on(app: App, tx: Transaction, pages: Sequence[Page]) -> dict[str, PartnerLink]:
    """The links whose sheet codes stand on these pages, by code. What only looks like a code of ours is nobody's."""
    codes = dict.fromkeys(code for one in pages for code in one.codes)
    return community.links_by_sheets(tx, open_keyring(app.settings.data_dir), list(codes))


def _the_link(pages: Sequence[Page], links: Mapping[str, PartnerLink]) -> PartnerLink | None:
    """The one matter that the codes of a file name; None where they name several, or only deep inside the file. Where
    every page is a sheet of ours there is an answer to read, and no report."""
    first = next((code for one in pages[:_COVER_PAGES] for code in one.codes if code in links), None)
    matters = {(one.patient_id, one.request) for one in links.values()}
    return links[first] if first is not None and len(matters) == 1 else None


def _attach_by_code(
    app: App, tx: Transaction, paper_id: str, link: PartnerLink, shown: bytes, *, only_sheets: bool
) -> None:
    paper = store.lock(tx, paper_id)
    assert paper is not None
    choice = Choice(
        patient_id=identity.survivor_of(tx, link.patient_id),
        kind=kind_for(app, link, is_sheet=only_sheets),
        matter=link.request,
        link=link,
        how="code",
    )
    machine = system_principal(tx.tenant_id, "document-inbox")
    paper_filing.attach(app, tx, machine, paper, shown, choice)


def attach(app: App, principal: Principal, paper_id: str, *, patient_id: str, kind: str, matter: str | None) -> str:
    """The paper is a document of the patient; its reference. `Conflict` where it does not wait any more."""
    require_inbox(principal)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        paper = _found(tx, paper_id)
        content = store.content(tx, paper)
    shown = content if paper.is_whole else reading.cut(content, paper.pages)

    def work(tx: Transaction) -> str:
        locked = _waiting(tx, paper_id)
        if locked.pages != paper.pages:
            raise Conflict("somebody turned or split its pages")
        link = _link_for(links_on(app, tx, locked.pages), patient_id, matter)
        choice = Choice(patient_id=patient_id, kind=kind, matter=matter, link=link, how="person")
        return paper_filing.attach(app, tx, principal, locked, shown, choice)

    return app.database.run(principal.tenant_id, work, actor=principal.reference)


def detach(app: App, principal: Principal, paper_id: str, why: str) -> None:
    """The document is marked as a mistake, what it proved is open again, and the paper waits again."""
    require_inbox(principal)
    _require_why(why)

    def work(tx: Transaction) -> None:
        paper = _locked(tx, paper_id)
        if paper.status == "attached":
            paper_filing.withdraw(app, tx, principal, paper)
        if not store.wait_again(tx, paper_id):
            raise Conflict("the paper waits already")
        patients = [paper.patient_id] if paper.patient_id else []
        _note(tx, principal, "update", paper_id, patients, "a paper was taken back")

    app.database.run(principal.tenant_id, work, actor=principal.reference)


def glance(app: App, principal: Principal, paper_id: str, kind: str) -> None:
    """A person has looked at what a code attached: it is this kind of document."""
    require_inbox(principal)

    def work(tx: Transaction) -> None:
        paper = _locked(tx, paper_id)
        if paper.status != "attached":
            raise Conflict("the paper is not attached")
        if kind != paper.kind:
            paper_filing.change_kind(app, tx, principal, paper, kind)
        store.glance(tx, paper_id, kind, app.clock.now(), principal.reference)

    app.database.run(principal.tenant_id, work, actor=principal.reference)


def set_aside(app: App, principal: Principal, paper_id: str, why: str) -> None:
    """The paper belongs to nobody here; it is kept, with the reason."""
    require_inbox(principal)
    _require_why(why)

    def work(tx: Transaction) -> None:
        _waiting(tx, paper_id)
        store.set_aside(tx, paper_id, why.strip(), app.clock.now(), principal.reference)
        _note(tx, principal, "update", paper_id, (), "a paper was set aside")

    app.database.run(principal.tenant_id, work, actor=principal.reference)


def turn(app: App, principal: Principal, paper_id: str, place: int, by: int) -> None:
    """One page, or with place -1 every page, is turned clockwise by so many degrees."""
    require_inbox(principal)
    if by % 360 not in TURNS:
        raise Rejected(at="turn", expected="90, 180 or 270 degrees", code="value")

    def work(tx: Transaction) -> None:
        paper = _waiting(tx, paper_id)
        _require_place(paper, max(place, 0))
        pages = [
            replace(one, turn=(one.turn + by) % 360) if place in (-1, number) else one
            for number, one in enumerate(paper.pages)
        ]
        store.set_pages(tx, paper_id, pages)

    app.database.run(principal.tenant_id, work, actor=principal.reference)


def split(app: App, principal: Principal, paper_id: str, place: int) -> str:
    """The pages from `place` on are a paper of their own, which waits with the same deadline; its id."""
    require_inbox(principal)

    def work(tx: Transaction) -> str:
        paper = _waiting(tx, paper_id)
        _require_place(paper, place)
        if place == 0:
            raise Rejected(at="page", expected="a page after the first", code="value")
        rest, part_id = paper.pages[place:], new_id()
        texts = paper.said.split("\f")[place : len(paper.pages)]
        store.add_part(tx, part_id, paper_id, rest, store.joined(texts))
        store.set_pages(tx, paper_id, paper.pages[:place])
        _note(tx, principal, "create", part_id, (), "a paper was split")
        return part_id

    return app.database.run(principal.tenant_id, work, actor=principal.reference)


def _link_for(links: Mapping[str, PartnerLink], patient_id: str, matter: str | None) -> PartnerLink | None:
    """The sheet that a paper came back with, where it asks about this matter of this patient."""
    mine = (one for one in links.values() if one.patient_id == patient_id)
    return next((one for one in mine if matter in (None, one.request)), None)


def show(app: App, tx: Transaction, principal: Principal, paper_id: str) -> Paper:
    """The paper; that it was looked at is in the audit trail."""
    require_inbox(principal)
    paper = _found(tx, paper_id)
    _note(tx, principal, "read", paper_id, [paper.patient_id] if paper.patient_id else [], "a paper was looked at")
    return paper


def image(app: App, tx: Transaction, principal: Principal, paper_id: str, place: int) -> bytes:
    """A page of the paper as it is turned, as a PNG."""
    require_inbox(principal)
    paper = _found(tx, paper_id)
    _require_place(paper, place)
    page = paper.pages[place]
    found = store.page_image(tx, paper, page.page)
    if found is None:
        raise NotFound("there is no such page")
    return turning.turned(found, page.turn)


def listed(app: App, tx: Transaction, principal: Principal, status: str) -> list[Paper]:
    """Papers that wait, were attached, or were set aside."""
    require_inbox(principal)
    papers = store.waiting(tx) if status == "waiting" else store.settled(tx, status)
    patients = sorted({one.patient_id for one in papers if one.patient_id})
    _note(tx, principal, "search", "", patients, f"papers: {status}")
    return papers


def counts(app: App, tx: Transaction) -> Counts:
    """How much there is to do."""
    return store.counts(tx, app.clock.now())


def suggestions(app: App, tx: Transaction, principal: Principal, paper: Paper) -> list[paper_matching.Suggestion]:
    """People whom the paper may be about, with reasons. Empty for a scan without a text: then a person looks."""
    text = paper_text(paper)
    people: dict[str, Mapping[str, Any]] = {}
    if not text.strip():
        return []
    for day in paper_matching.dates_in(text):
        page = app.record.search(
            tx, principal, "Patient", [("birthdate", day.isoformat()), ("_count", "50")], app.clock.now()
        )
        people |= {one.id: one.resource for one in page.entries}
    numbers = [("identifier", one) for one in paper_matching.numbers_in(text)]
    if numbers:
        people |= {one.id: one.resource for one in app.record.follow(tx, "Patient", numbers) if not one.deleted}
    active = (one for one in people.values() if one.get("active", True))
    return paper_matching.suggest(text, active)


def paper_text(paper: Paper) -> str:
    """The text of the pages that the paper shows now."""
    texts = paper.said.split("\f")
    return "\f".join(texts[: len(paper.pages)])


def _late_at(app: App, tx: Transaction, now: datetime) -> datetime:
    calendar = engine.content_for(app, tx).calendar
    return after(now, _LATE_AFTER, engine.tenant_of(tx).zone, calendar).due


def _found(tx: Transaction, paper_id: str) -> Paper:
    paper = store.find(tx, paper_id) if paper_filing.is_id(paper_id) else None
    if paper is None:
        raise NotFound("there is no such paper")
    return paper


def _locked(tx: Transaction, paper_id: str) -> Paper:
    paper = store.lock(tx, paper_id) if paper_filing.is_id(paper_id) else None
    if paper is None:
        raise NotFound("there is no such paper")
    return paper


def _waiting(tx: Transaction, paper_id: str) -> Paper:
    paper = _locked(tx, paper_id)
    if paper.status != "waiting":
        raise Conflict("somebody else settled this paper")
    return paper


def _require_place(paper: Paper, place: int) -> None:
    if not 0 <= place < len(paper.pages):
        raise NotFound("there is no such page")


def _require_why(why: str) -> None:
    if not why.strip():
        raise Rejected(at="why", expected="a reason", code="required")


def _note(
    tx: Transaction, principal: Principal, doing: str, paper_id: str, patients: Sequence[str], detail: str
) -> None:
    letters = {"create": "C", "update": "U", "read": "R", "search": "E"}
    things = [f"Paper/{paper_id}"] if paper_id else []
    entry = AuditEntry(
        principal=principal,
        action=letters[doing],
        subtype="paper",
        resource_ids=things,
        patient_ids=patients,
        detail=detail,
    )
    record_audit(tx, entry)
