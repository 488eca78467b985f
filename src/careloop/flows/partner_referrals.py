"""What a specialist answers by link or sheet moves the referral, as what is told by phone does (`referral_answers`)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from careloop.access.model import Principal, PrincipalKind
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import referral_answers
from careloop.flows.app import App
from careloop.flows.partner_forms import Said
from careloop.loops.rules.referrals import words
from careloop.record import Write

_NOON = time(12)
"""The hour of a visit of which only the day was told."""


def is_referral(app: App, tx: Transaction, request: str) -> bool:
    """True where this reference is a referral of ours."""
    stored = app.record.fetch(tx, [request]).get(request) if request.startswith("ServiceRequest/") else None
    return stored is not None and not stored.deleted and words.is_referral(stored.resource)


def move(
    app: App,
    tx: Transaction,
    principal: Principal,
    request: str,
    said: Said,
    documents: Sequence[Write],
    zone: ZoneInfo,
) -> bool:
    """The referral is where the answer puts it. False where the state table has no way there: the answer stands in the
    record all the same, and a person reads it."""
    reference = next(
        (f"DocumentReference/{one.id}" for one in documents if one.resource_type == "DocumentReference"), ""
    )
    try:
        with tx.savepoint():
            _move(app, tx, on_its_word(principal), request.partition("/")[2], said, reference, zone)
    except (Conflict, Rejected):
        return False
    return True


def report(app: App, tx: Transaction, principal: Principal, request: str, document: str) -> bool:
    """The report of a referral has arrived as this document; False where the table has no way there."""
    try:
        with tx.savepoint():
            referral_answers.report(app, tx, on_its_word(principal), request.partition("/")[2], reference=document)
    except (Conflict, Rejected):
        return False
    return True


def on_its_word(principal: Principal) -> Principal:
    """The product acts on a partner's word, under the name and the id of their link: a link may write one answer, and
    moving our referral is ours to do (docs/decisions/0180)."""
    if principal.kind is not PrincipalKind.PARTNER:
        return principal
    return replace(principal, kind=PrincipalKind.SYSTEM, scopes=(), sight=None)


def _move(
    app: App, tx: Transaction, principal: Principal, request_id: str, said: Said, document: str, zone: ZoneInfo
) -> None:
    match said.option.code:
        case "accepted":
            day = said.dates.get("day")
            visit = said.at or (datetime.combine(day, _NOON, tzinfo=zone) if day else None)
            referral_answers.accept(app, tx, principal, request_id, visit)
        case "need-more":
            referral_answers.need_more(app, tx, principal, request_id, said.texts["more"])
        case "cannot":
            referral_answers.decline(app, tx, principal, request_id, said.texts["why"])
        case "seen":
            noon = datetime.combine(said.dates["seen"], _NOON, tzinfo=zone)
            referral_answers.seen(app, tx, principal, request_id, min(noon, app.clock.now()))
            if document:
                referral_answers.report(app, tx, principal, request_id, reference=document)
