"""What the senders of a feed give and leave: counted over their last messages when somebody asks, told in plain words.

Nothing is counted ahead: the messages are there, new rules and new settings speak about old messages too, and a message
costs nothing more when it arrives (decision 0128).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.access.tenancy import settings_of
from careloop.errors import Rejected
from careloop.flows.app import App
from careloop.flows.arrival import mappings_of
from careloop.intake import Feed, Mappings, get_feed
from careloop.intake import feeds as store
from careloop.intake.counting import KindCounts, Place, add
from careloop.intake.judging import Judgement, Known, judge, places_of, read_rules

MESSAGES = 1000
"""So many of the last messages of a sender are looked at."""
_LOINC = "LN"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """The fixed words around what is asked for."""

    greeting: str
    opening: str
    closing: str


@dataclass(frozen=True, kw_only=True)
class FieldLine:
    """One field of one kind of message: in how many of the messages that have its segment it holds anything."""

    kind: str
    field: str
    filled: int
    messages: int


@dataclass(frozen=True, kw_only=True)
class FeedReport:
    """One sender of one feed, judged. `senders` are all that spoke through the feed lately, with how often."""

    feed: Feed
    sender: str
    senders: Sequence[tuple[str, int]]
    messages: int
    unreadable: int
    since: datetime | None
    until: datetime | None
    judgement: Judgement
    fields: Sequence[FieldLine]
    letter: Letter


def report(
    app: App, principal: Principal, feed_id: int, sender: str | None = None, limit: int = MESSAGES
) -> FeedReport:
    """The report on a sender, by default on the one who spoke most. `NotFound` when there is no such feed."""
    require_action(principal, Action.INBOX_READ)
    document = app.catalog.document("conformance", "hl7v2")
    rules = read_rules(document)
    tenant, mappings = app.tenant(principal.tenant_id), mappings_of(app)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        feed = get_feed(tx, feed_id, any_sender=settings_of(tenant).accept_any_sender)
        senders = store.senders(tx, feed_id, limit=MESSAGES)
        chosen = sender if sender is not None else senders[0][0] if senders else ""
        messages = store.last_messages(tx, feed_id, limit=limit, sender=chosen) if chosen else []
        note = f"feed {feed_id}: {len(messages)} messages"
        record_audit(tx, AuditEntry(principal=principal, action="R", subtype="feed-reported", detail=note))
    counts, unreadable = _counted([one.raw for one in messages], feed, mappings, places_of(rules))
    return FeedReport(
        feed=feed, sender=chosen, senders=senders, messages=len(messages), unreadable=unreadable,
        since=messages[-1].received if messages else None, until=messages[0].received if messages else None,
        judgement=judge(rules, counts, known_codes(mappings, feed)), fields=tuple(_fields(counts)),
        letter=Letter(**document["letter"]),
    )  # fmt: skip


def unknown_codes(app: App, principal: Principal, feed: Feed) -> dict[str, list[tuple[str, int]]]:
    """Codes in the last messages of a feed that neither the standard nor its settings know, by coded field, most often
    first: what a person may want to translate."""
    require_action(principal, Action.FEED_MANAGE)
    mappings = mappings_of(app)
    known = known_codes(mappings, feed)
    fields = mappings.amending.code_fields.values()
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        messages = store.last_messages(tx, feed.id or 0, limit=MESSAGES)
    places = {one.id: Place(addresses=one.fields, kinds=("*",), coded=True) for one in fields if one.table}
    counts, _ = _counted([one.raw for one in messages], feed, mappings, tuple(places.values()))
    found: dict[str, list[tuple[str, int]]] = {}
    for field_id, place in places.items():
        codes: Counter[str] = Counter()
        for one in counts.values():
            codes.update(one.places[place.key].codes if place.key in one.places else ())
        found[field_id] = [(code, count) for code, count in codes.most_common() if not known(field_id, code)]
    return found


def known_codes(mappings: Mappings, feed: Feed) -> Known:
    """Whether a code of a coded field is known: to the standard's tables, or to the feed's own maps."""
    own = {"classes": feed.classes, "patient_types": feed.patient_types, "dispositions": feed.dispositions}

    def known(field_id: str, code: str) -> bool:
        if field_id == "loinc":
            return code.upper() == _LOINC
        field = mappings.amending.code_fields[field_id]
        if code in own.get(field_id, {}) or code.upper() in {one.upper() for one in own.get(field_id, {})}:
            return True
        table = mappings.tables.get(field.table)
        return table is not None and table.of(code) is not None

    return known


def as_csv(found: FeedReport) -> str:
    """The findings and everything that was counted, one line each, for a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["sender", "kind", "severity", "field", "as it should be", "of", "finding", "what to ask for"])
    for finding in found.judgement.findings:
        rule = finding.rule
        place = rule.place.key or " ".join(rule.place.kinds)
        line = [found.sender, "finding", rule.severity, place, finding.met, finding.total, finding.says, rule.ask]
        writer.writerow([_safe(one) for one in line])
    for one in found.fields:
        line = [found.sender, one.kind, "", one.field, one.filled, one.messages, "", ""]
        writer.writerow([_safe(each) for each in line])
    return out.getvalue()


def letter_text(found: FeedReport) -> str:
    """The letter to the sender as plain text."""
    parts = [found.letter.greeting + ",", found.letter.opening]
    for number, finding in enumerate(found.judgement.findings, start=1):
        rule = finding.rule
        parts.append(f"{number}. {rule.title}. {finding.says}\n   {rule.ask}\n   Why: {rule.why}")
    return "\n\n".join([*parts, found.letter.closing]) + "\n"


def _counted(
    raws: Sequence[bytes], feed: Feed, mappings: Mappings, places: Sequence[Place]
) -> tuple[dict[str, KindCounts], int]:
    counts: dict[str, KindCounts] = {}
    unreadable = 0
    for raw in raws:
        try:
            add(counts, mappings.amending.read(raw, feed), places)
        except Rejected:
            unreadable += 1
    return counts, unreadable


def _fields(counts: dict[str, KindCounts]) -> Iterator[FieldLine]:
    for kind, one in sorted(counts.items()):
        for name, filled in sorted(one.fields.items(), key=lambda item: (item[0][:3], int(item[0][4:]))):
            yield FieldLine(kind=kind, field=name, filled=filled, messages=one.segments[name[:3]])


def _safe(cell: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t") else cell
