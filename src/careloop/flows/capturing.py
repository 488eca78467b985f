"""The capture box: what was typed is read, shown as what one save would write, and written as one act.

The preview is the save itself, carried out and rolled back: it shows what will be, loops that open and close with it
too. The save gives the same or says what changed meanwhile (`promise`). Doubtful values (MO-03), what the record holds
already and what was asked for before are asked again, never saved silently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.engagement.capture import Doubt, Entry, Grammar, Wrong, grammar_of, parse
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, people, worklist
from careloop.flows.app import App
from careloop.flows.calls import Call, checked, log_call
from careloop.flows.capture_desk import Carried, Order, carry_out

_GRAMMARS: list[tuple[object, Grammar]] = []


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What one save would write. `lines` are kind and words; `known` is what the record holds already; `promise`
    names all of it."""

    text: str
    faults: Sequence[Wrong]
    lines: Sequence[tuple[str, str]] = ()
    asks: Sequence[Doubt] = ()
    known: Sequence[str] = ()
    promise: str = ""

    @property
    def is_good(self) -> bool:
        """It can be saved, once what is asked is answered."""
        return not self.faults and bool(self.lines)


class NotAsShown(Conflict):
    """What would be written is not what was shown, or a question is not answered yet; `preview` is what it is now."""

    def __init__(self, says: str, preview: Preview) -> None:
        super().__init__(says)
        self.preview = preview


class _Undone(Exception):
    """Ends the rehearsal of a save."""


def grammar(app: App) -> Grammar:
    """The words of this installation, read once for each catalog."""
    for known, found in _GRAMMARS:
        if known is app.catalog:
            return found
    found = grammar_of(app.catalog.document("capture", "words"))
    _GRAMMARS[:] = [(app.catalog, found), *_GRAMMARS[:3]]
    return found


def read(app: App, tx: Transaction, principal: Principal, text: str) -> Entry:
    """The text as an entry; names are those of the active staff."""
    today = app.clock.now().astimezone(people.zone_of(tx)).date()
    me = principal.reference if principal.practitioner_id else ""
    return parse(text, grammar(app), today=today, people=_names(tx) if "/" in text else {}, me=me)


def preview(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    text: str,
) -> Preview:
    """What saving this text would write now. Nothing is written but that somebody looked."""
    require_action(principal, Action.LOOP_WORK)
    app.record.read(tx, principal, "Patient", patient_id)
    entry = read(app, tx, principal, text)
    if not entry.is_good:
        return Preview(text=text, faults=entry.faults)
    return _rehearsed(app, tx, principal, patient_id, entry)


def save(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    text: str,
    *,
    promise: str,
    sure: Sequence[str] = (),
    key: str | None = None,
) -> acting.ActReceipt:
    """All that the preview showed is in the record, as one act. `NotAsShown` where it would be something else by now,
    or where a question of the preview was not answered; `Rejected` where the text cannot be read."""
    require_action(principal, Action.LOOP_WORK)
    before = acting.once(tx, principal, key)
    if before is not None:
        return before
    app.record.read(tx, principal, "Patient", patient_id)
    entry = read(app, tx, principal, text)
    if not entry.is_good:
        raise Rejected(at="text", expected=entry.faults[0].expected, code="value")
    tx.lock(f"patient {patient_id}")
    now = _rehearsed(app, tx, principal, patient_id, entry)
    if not now.is_good or now.promise != promise:
        raise NotAsShown("this is what it would write now; look at it once more", now)
    if {one.key for one in now.asks} - set(sure):
        raise NotAsShown("answer the questions first", now)
    order = Order(text=entry.text, note=entry.note, items=entry.items)
    carried = carry_out(app, tx, principal, patient_id, order, sure, act_id=new_id())
    receipt = acting.ActReceipt(act_id=carried.act_id, says=_says(carried), outputs=tuple(_words(carried.lines)))
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt


def save_call(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    call: Call,
    more: str = "",
    also: Sequence[str] = (),
    key: str | None = None,
) -> acting.ActReceipt:
    """A call from the worklist with what follows from it: its note may hold commands of the capture box, `more` others.
    One act: contact, minutes, proof, note, next step, message. What has to be asked again is refused here."""
    require_action(principal, Action.LOOP_WORK)
    before = acting.once(tx, principal, key)
    if before is not None:
        return before
    entry = _read_call(app, tx, principal, call, more)
    if not entry.items:
        return log_call(
            app,
            tx,
            principal,
            loop_id=loop_id,
            outcome=call.outcome,
            minutes=call.minutes,
            note=call.note,
            also=also,
            medium=call.medium,
            spoke_with=call.spoke_with,
            idempotency_key=key,
        )
    order, carried = _carried_call(app, tx, principal, entry, call, [loop_id, *also])
    following = worklist.next_loop(app, tx, principal, without=order.loops)
    receipt = acting.ActReceipt(
        act_id=carried.act_id, says=_says(carried), next_loop_id=following, outputs=tuple(_words(carried.lines))
    )
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt


def _read_call(app: App, tx: Transaction, principal: Principal, call: Call, more: str) -> Entry:
    """The commands in the note of a call and beside it; `Rejected` where they cannot be read."""
    typed = "\n".join(part for part in (call.note or "", more) if part.strip())
    entry = read(app, tx, principal, typed)
    if entry.faults and typed:
        first = entry.faults[0]
        raise Rejected(
            at="note", expected=first.expected + (f", not “{first.what}”" if first.what else ""), code="value"
        )
    if any(item.writes == "contact" for item in entry.items):
        raise Rejected(at="note", expected="no second call in the note of a call", code="business-rule")
    return entry


def _carried_call(
    app: App, tx: Transaction, principal: Principal, entry: Entry, call: Call, loop_ids: Sequence[str]
) -> tuple[Order, Carried]:
    """The call and its commands as one act; `Rejected` where something has to be asked again first."""
    loops = [acting.find_loop(tx, each) for each in dict.fromkeys(loop_ids)]
    patient_id = acting.same_patient(loops)
    order = Order(
        text=entry.text,
        note="",
        items=entry.items,
        call=checked(Call(**{**vars(call), "note": entry.note or None})),
        loops=[loop.id for loop in loops],
    )
    tx.lock(f"patient {patient_id}")
    carried = carry_out(app, tx, principal, patient_id, order, (), act_id=new_id())
    if carried.faults or carried.asks:
        told = carried.faults[0].says if carried.faults else carried.asks[0].says
        expected = f"an answer first: {told}. The box on the patient page asks it"
        raise Rejected(at="note", expected=expected, code="value")
    return order, carried


def _rehearsed(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    entry: Entry,
) -> Preview:
    carried: Carried | None = None
    order = Order(text=entry.text, note=entry.note, items=entry.items)
    try:
        with tx.savepoint():
            carried = carry_out(app, tx, principal, patient_id, order, None, act_id=new_id())
            raise _Undone
    except _Undone:
        pass
    if carried is None:
        return Preview(text=entry.text, faults=())
    _note_look(tx, principal, patient_id)
    return Preview(
        text=entry.text,
        faults=carried.faults,
        lines=carried.lines,
        asks=carried.asks,
        known=carried.known,
        promise=_promise(entry.text, carried.lines),
    )


def _promise(text: str, lines: Sequence[tuple[str, str]]) -> str:
    told = "\n".join((text, *(f"{kind}\t{says}" for kind, says in lines)))
    return sha256(told.encode()).hexdigest()[:32]


def _note_look(tx: Transaction, principal: Principal, patient_id: str) -> None:
    detail = "what an entry would write was shown"
    record_audit(
        tx, AuditEntry(principal=principal, action="R", subtype="read", patient_ids=[patient_id], detail=detail)
    )


def _names(tx: Transaction) -> Mapping[str, str]:
    """Active staff by full name, and by each single name that only one of them has."""
    staff = [one for one in accounts.staff(tx) if one.active]
    found = {one.name.lower(): one.reference for one in staff}
    single: dict[str, set[str]] = {}
    for one in staff:
        for part in one.name.lower().replace(",", " ").split():
            single.setdefault(part, set()).add(one.reference)
    return {**{name: min(who) for name, who in single.items() if len(who) == 1 and len(name) > 1}, **found}


def _words(lines: Sequence[tuple[str, str]]) -> list[str]:
    return [says for _, says in lines]


def _says(carried: Carried) -> str:
    """One sentence for the live region that names everything."""
    parts = [says.split(":")[0] if kind == "wrote" else says for kind, says in carried.lines]
    return "Saved: " + "; ".join(parts) + "."


def today_of(app: App, tx: Transaction) -> date:
    """The day where the practice is."""
    return app.clock.now().astimezone(people.zone_of(tx)).date()
