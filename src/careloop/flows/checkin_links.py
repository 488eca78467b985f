"""A part of a check-in goes to the patient or to somebody who cares for them, by a link without an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop import community
from careloop.access.keys import open_keyring
from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.assessments import store
from careloop.assessments.model import Content
from careloop.assessments.store import Share
from careloop.community import Codes, NewLink, PartnerLink, Purpose
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows import checkin_pages, checkins, partner_links
from careloop.flows.app import App
from careloop.flows.checkin_pages import Page
from careloop.flows.checkins import Session, Teller
from careloop.flows.partner_links import Door
from careloop.flows.patient_reading import full_name


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A link that was made for a check-in, for the list beside it."""

    link: PartnerLink
    share: Share
    codes: Codes


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a link shows: the check-in, the page, the words around it."""

    page: Page
    title: str
    welcome: str
    first_name: str
    who: str
    texts: Mapping[str, str]
    languages: Sequence[tuple[str, str, bool]]
    notice: str
    proof: str


def share(
    app: App,
    tx: Transaction,
    principal: Principal,
    response_id: str,
    *,
    who: str,
    name: str,
    sections: Sequence[str],
) -> Codes:
    """A link for this person opens these sections of the check-in (none: all that they may answer)."""
    require(principal, "update", "QuestionnaireResponse")
    session = checkins.load(app, tx, response_id)
    if who not in ("patient", "caregiver"):
        raise Rejected(at="who", expected="patient or caregiver", code="code-invalid")
    if who == "caregiver" and not name.strip():
        raise Rejected(at="name", expected="the name of who answers", code="required")
    if not session.is_open:
        raise Rejected(at="who", expected="a check-in that is not finished")
    known = {part.section.id for part in session.parts}
    called = name.strip() or full_name(session.patient)
    new = NewLink(
        purpose=Purpose.ASSESSMENT,
        patient_id=session.patient_id,
        request=f"QuestionnaireResponse/{response_id}",
        partner=called,
        asks=session.title,
    )
    codes = partner_links.make(app, tx, principal, new)
    kept = tuple(one for one in sections if one in known)
    store.add_share(tx, Share(link_id=codes.link_id, response_id=response_id, who=who, sections=kept))
    return codes


def links_of(app: App, tx: Transaction, response_id: str) -> list[Shared]:
    """The links of a check-in, newest first."""
    shares = {one.link_id: one for one in store.shares_of(tx, response_id)}
    keys = open_keyring(app.settings.data_dir)
    return [
        Shared(link=link, share=shares[link.id], codes=community.codes_of(keys, link.id, link.sheet_number))
        for link in community.links_of_request(tx, f"QuestionnaireResponse/{response_id}")
        if link.id in shares
    ]


def show(app: App, door: Door, *, alone: bool = False, at: str = "", birth_date: str | None = None) -> Shown | None:
    """The page that comes next for whoever holds the link; None for a wrong birth date, which is counted."""
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=door.principal.narrowing) as tx:
        if birth_date is None or partner_links.is_birth_date(app, tx, door, birth_date):
            _note_read(app, tx, door)
            with tx.widened():
                found, session = _opened(app, tx, door)
                page = checkin_pages.next_page(session, found.who, only=found.sections, alone=alone, at=at)
                return _shown(app, door, found, session, page)
    partner_links.refuse(app, door)
    return None


def answer(app: App, door: Door, form: Mapping[str, Any]) -> Shown:
    """One page of the link is saved and the next one comes. With the last page the link is used; where nothing is left
    for staff to ask, the check-in is finished."""

    def work(tx: Transaction) -> Shown:
        _note_read(app, tx, door)
        with tx.widened():
            found, session = _opened(app, tx, door)
            teller = _teller(door, found)
            do = str(form.get("do", "answer"))
            is_danger = False
            if do not in ("next", "back"):
                session, is_danger = checkin_pages.act(app, tx, door.principal, session.id, form, teller)
            alone = form.get("alone") == "yes"
            at = str(form.get("back", "")) if do == "back" else ""
            page = checkin_pages.next_page(session, found.who, only=found.sections, alone=alone, at=at)
            if is_danger:
                page = Page(kind=checkin_pages.CRISIS, step=session.step(str(form.get("link", ""))))
            if page.kind == checkin_pages.DONE:
                _close(app, tx, door, session)
            return _shown(app, door, found, session, page)

    return app.database.run(door.tenant.id, work, actor=door.principal.reference, sight=door.principal.narrowing)


def _close(app: App, tx: Transaction, door: Door, session: Session) -> None:
    community.use_link(tx, door.link.id, "answered", app.clock.now())
    nothing_left = checkin_pages.next_page(session, "staff", alone=True).kind == checkin_pages.DONE
    if session.is_open and nothing_left and session.answers:
        checkins.finish(app, tx, door.principal, session.id)


def _opened(app: App, tx: Transaction, door: Door) -> tuple[Share, Session]:
    found = store.share_of(tx, door.link.id)
    if found is None:
        raise NotFound("there is no such check-in")
    return found, checkins.load(app, tx, found.response_id)


def _note_read(app: App, tx: Transaction, door: Door) -> None:
    """The patient counts as read by the link."""
    sight = door.principal.sight
    app.record.read(
        tx, door.principal, "Patient", sight.patient_id if sight and sight.patient_id else door.link.patient_id
    )


def _teller(door: Door, found: Share) -> Teller:
    role = "the patient" if found.who == "patient" else "caregiver"
    return Teller(who=found.who, by=f"{door.link.partner} ({role})", mode="link")


def _shown(app: App, door: Door, found: Share, session: Session, page: Page) -> Shown:
    content: Content = session.content
    given = next((" ".join(one.get("given", ())[:1]) for one in session.patient.get("name", ())), "")
    item = page.step.item if page.step else None
    instrument = content.instruments.get(page.step.link.partition("/")[0]) if page.step and item else None
    return Shown(
        page=page,
        title=session.title,
        welcome=session.checkin.welcome if session.checkin else "",
        first_name=given if found.who == "patient" else door.link.partner,
        who=found.who,
        texts=content.texts,
        languages=content.languages,
        notice=instrument.notice if instrument else "",
        proof=partner_links.proof_of(app, door.link.id, app.clock.now()),
    )
