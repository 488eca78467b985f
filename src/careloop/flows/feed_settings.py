"""The settings of a feed: changed by a person, kept by version, taken back; what they make of a message is shown first.

Settings work on what is read, never on what was kept: so a change may mend messages that could not be used before, and
those are tried again with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.access.tenancy import check_zone, settings_of
from careloop.db import Transaction
from careloop.errors import Fault, Rejected
from careloop.flows.app import App
from careloop.flows.arrival import mappings_of
from careloop.flows.feed_preview import Preview, preview, reads
from careloop.intake import Feed, get_feed, inbox
from careloop.intake import feeds as store
from careloop.intake.feeds import FeedMessage, FeedVersion
from careloop.intake.model import Checked

MOST_LETTERS = 500
"""So many dead letters are looked at when settings change; the others wait for the next change or for a person."""
_LAST_MESSAGES = 25
_LONGEST_NAME = 80
_PARTS = {
    "name": "name", "zone": "time zone", "enabled": "open or closed", "senders": "senders",
    "authorities": "authorities", "classes": "codes of the class", "patient_types": "codes of the patient type",
    "dispositions": "codes of the discharge reason", "codes": "other codes", "quirks": "habits",
    "places": "names of facilities",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FeedPage:
    """A feed with the versions of its settings, newest first, and its last messages."""

    feed: Feed
    versions: Sequence[FeedVersion]
    messages: Sequence[FeedMessage]
    dead: int


@dataclass(frozen=True, kw_only=True)
class Mending:
    """How many of the dead letters these settings would let in."""

    mended: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Settings were saved; what they mended is on its way."""

    feed: Feed
    mending: Mending


def page(app: App, principal: Principal, feed_id: int) -> FeedPage:
    """What the settings page of a feed shows. `NotFound` when there is no such feed."""
    require_action(principal, Action.FEED_MANAGE)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        return FeedPage(
            feed=_feed(app, tx, principal, feed_id),
            versions=store.versions(tx, feed_id),
            messages=store.last_messages(tx, feed_id, limit=_LAST_MESSAGES),
            dead=len(store.dead_letters(tx, feed_id, limit=MOST_LETTERS)),
        )


def try_out(app: App, principal: Principal, changed: Feed, raw: bytes | None, inbox_id: int | None) -> Preview | None:
    """What the settings make of a message beside what the saved ones make of it; None without a message. Nothing is
    kept; that a person saw a message of the inbox is in the audit trail."""
    require_action(principal, Action.FEED_MANAGE)
    tenant = app.tenant(principal.tenant_id)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        current = _feed(app, tx, principal, changed.id or 0)
        if raw is None and inbox_id is not None:
            detail = inbox.get(tx, inbox_id)
            if detail.feed_id != current.id:
                raise Rejected(at="message", expected="a message of this feed", code="value")
            _note(tx, principal, "R", "inbox-shown", f"message {inbox_id}")
            raw = detail.corrected if detail.corrected is not None else detail.raw
    if raw is None:
        return None
    return preview(raw, current, changed, mappings_of(app), tenant.id, app.clock.now())


def mending(app: App, principal: Principal, changed: Feed) -> Mending:
    """How many of the feed's dead letters would be read with these settings."""
    require_action(principal, Action.FEED_MANAGE)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        letters = store.dead_letters(tx, changed.id or 0, limit=MOST_LETTERS)
    return Mending(mended=sum(1 for _ in _mended(app, principal.tenant_id, changed, letters)), total=len(letters))


def save(app: App, principal: Principal, changed: Feed, *, base: int) -> Changed:
    """The settings hold from the next message on; dead letters that they mend wait to be processed again. `Conflict`
    when somebody else changed them since version `base`, `Rejected` with every fault in them."""
    require_action(principal, Action.FEED_MANAGE)
    check(app, changed)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        current = _feed(app, tx, principal, changed.id or 0)
        parts = _different(current, changed)
        if not parts:
            raise Rejected(at="settings", expected="a change; these are the settings as they are", code="value")
        what = f"Changed: {', '.join(parts)}"
        return _change(app, tx, principal, changed, base=base, what=what)


def undo(app: App, principal: Principal, feed_id: int, *, base: int, version: int) -> Changed:
    """The settings are those of an earlier version again, as a new version; dead letters are tried with them."""
    require_action(principal, Action.FEED_MANAGE)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        earlier = store.get_version(tx, feed_id, version)
        current = _feed(app, tx, principal, feed_id)
        wanted = store.with_settings(current, earlier.settings)
        return _change(app, tx, principal, wanted, base=base, what=f"Back to version {version}")


def retry(app: App, principal: Principal, feed_id: int) -> Mending:
    """Dead letters of the feed that its settings can read now wait to be processed again."""
    require_action(principal, Action.FEED_MANAGE)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        return _try_again(app, tx, principal, _feed(app, tx, principal, feed_id))


def check(app: App, feed: Feed) -> None:
    """`Rejected` with every fault of the settings, each at the field of the form."""
    faults = [*_faults_of_door(feed), *_faults_of_codes(app, feed)]
    try:
        check_zone(feed.zone)
    except Rejected as error:
        faults = [Fault(at="zone", expected=error.expected, code="value"), *faults]
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)


def _faults_of_door(feed: Feed) -> Iterator[Fault]:
    if not feed.name.strip() or len(feed.name) > _LONGEST_NAME:
        yield Fault(at="name", expected=f"a name of at most {_LONGEST_NAME} letters", code="required")
    for sender in sorted(feed.senders):
        if sender.count("|") != 1 or not sender.strip("|"):
            yield Fault(at="senders", expected="each sender as APPLICATION|FACILITY (MSH-3 and MSH-4)", code="value")
    for name, system in feed.authorities.items():
        is_uri = system.startswith(("urn:", "http://", "https://")) and not any(sign.isspace() for sign in system)
        if not name or not is_uri:
            expected = "a name and its system, which begins with urn:, http:// or https://"
            yield Fault(at="authorities", expected=expected, code="value")


def _faults_of_codes(app: App, feed: Feed) -> Iterator[Fault]:
    amending = mappings_of(app).amending
    unknown = feed.quirks - amending.quirks.keys()
    if unknown:
        yield Fault(at="habits", expected="habits that stand in the list", code="value")
    stored = {"classes": feed.classes, "patient_types": feed.patient_types, "dispositions": feed.dispositions}
    for name, codes in {**stored, **feed.codes}.items():
        field = amending.code_fields.get(name)
        if field is None or set(codes.values()) - set(field.choices):
            where = field.fields[0] if field else name
            yield Fault(at="codes", expected=f"codes of {where} that stand in the list", code="value")


def _feed(app: App, tx: Transaction, principal: Principal, feed_id: int) -> Feed:
    tenant = app.tenant(principal.tenant_id)
    return get_feed(tx, feed_id, any_sender=settings_of(tenant).accept_any_sender)


def _different(before: Feed, after: Feed) -> list[str]:
    old, new = store.settings_of(before), store.settings_of(after)
    return [word for part, word in _PARTS.items() if old[part] != new[part]]


def _change(app: App, tx: Transaction, principal: Principal, feed: Feed, *, base: int, what: str) -> Changed:
    now = app.clock.now()
    saved = store.change_feed(tx, now, feed, base=base, by=principal.reference, by_name=principal.name, what=what)
    _note(tx, principal, "U", "feed-changed", f"feed {saved.id} version {saved.version}: {what}")
    return Changed(feed=saved, mending=_try_again(app, tx, principal, saved))


def _try_again(app: App, tx: Transaction, principal: Principal, feed: Feed) -> Mending:
    letters = store.dead_letters(tx, feed.id or 0, limit=MOST_LETTERS)
    mended = list(_mended(app, tx.tenant_id, feed, letters))
    for letter, checked in mended:
        inbox.reopen(tx, app.clock.now(), letter.id, checked)
    if mended:
        _note(tx, principal, "U", "inbox-replayed", f"feed {feed.id}: {len(mended)} messages")
    return Mending(mended=len(mended), total=len(letters))


def _mended(
    app: App, tenant_id: int, feed: Feed, letters: Sequence[FeedMessage]
) -> Iterator[tuple[FeedMessage, Checked]]:
    mappings = mappings_of(app)
    for letter in letters:
        checked, message = reads(letter.raw, feed, mappings, tenant_id, letter.received)
        if message is not None:
            yield letter, checked


def _note(tx: Transaction, principal: Principal, action: str, subtype: str, detail: str) -> None:
    record_audit(tx, AuditEntry(principal=principal, action=action, subtype=subtype, detail=detail))
