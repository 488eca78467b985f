"""A silent clinic is reminded: by message where it takes HL7 v2 from us, else by fax or phone, as work of our own.

The way that was chosen last is remembered for each clinic by what was sent to it. A reminder is a Communication about
the request; how often the clinic stayed silent is counted from those.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows import referral_rows
from careloop.flows.app import App
from careloop.flows.clinic_doors import feed_of
from careloop.flows.referral_desk import Desk, Receipt, open_desk, require_work
from careloop.flows.referral_resources import clinic, message_of
from careloop.loops import referrals
from careloop.loops.rules.calendar import Span, after
from careloop.loops.rules.referrals import words
from careloop.loops.rules.referrals.story import Story

WAYS: Mapping[str, tuple[str, str]] = {
    "message": ("ONLINEWRIT", "Message"),
    "fax": ("FAXWRIT", "Fax"),
    "call": ("PHONE", "Phone call"),
}
"""By which way: the code of v3-ParticipationMode, and its name."""
_AT_ONCE = 50
_CALL_WITHIN = Span(amount=1, unit="business-days")


def remind(app: App, tx: Transaction, principal: Principal, request_id: str, way: str = "") -> Receipt:
    """The clinic is reminded by `way`, by default the one that was used for it last. A message leaves by the outbox;
    a fax or a call is work for somebody today. `Rejected` where no clinic is waited for."""
    desk = open_desk(app, tx, principal, request_id)
    if desk.state.column not in referrals.AWAITING or not (desk.story.clinic or desk.story.clinic_name):
        raise Rejected(at="reminder", expected="a referral for which a clinic is waited for", code="business-rule")
    chosen = way or usual_way(app, tx, desk.story)
    if chosen not in WAYS or (chosen == "message" and not feed_of(app, tx, desk.story)):
        raise Rejected(at="way", expected=f"one of {', '.join(_possible(app, tx, desk.story))}", code="code-invalid")
    text = _text(desk)
    to = clinic(desk.story.clinic, desk.story.clinic_name)
    medium = WAYS[chosen][0]
    told = message_of(
        desk.story, new_id(), category="referral-reminder", medium=medium, to=to, text=text, moment=desk.moment
    )
    # A call or a fax is made by a person: until then nothing was sent.
    desk.also.append(told if chosen == "message" else told | {"status": "in-progress"})
    if chosen == "message":
        _send_again(desk)
        return desk.save(f"Message sent to {desk.story.clinic_name}.")
    due = after(desk.moment.now, _CALL_WITHIN, str(desk.moment.zone), desk.calendar).due
    desk.work("remind", f"{'Call' if chosen == 'call' else 'Fax'} {desk.story.clinic_name}: {text}", due)
    return desk.save(f"On the call list: {WAYS[chosen][1].lower()} to {desk.story.clinic_name}.")


def _send_again(desk: Desk) -> None:
    """The request is told to the clinic once more: its change makes a message for the feed (REF^I13)."""
    others = [one for one in desk.request.get("extension", ()) if one.get("url") != _REMINDED]
    desk.request = {
        **desk.request,
        "extension": [*others, {"url": _REMINDED, "valueDateTime": desk.moment.stamp()}],
    }


_REMINDED = "urn:careloop:reminded"


def _text(desk: Desk) -> str:
    asked = {
        "no-answer": "please tell us whether you can see the patient",
        "accepted": "please tell us the date of the visit",
        "seen": "please send the report of the visit",
    }[desk.state.column]
    return f"{desk.story.service}: {asked}."


def usual_way(app: App, tx: Transaction, story: Story) -> str:
    """The way of the last reminder to this clinic; before the first, a message where the clinic takes them, else a
    call."""
    known = {code: way for way, (code, _) in WAYS.items()}
    possible = _possible(app, tx, story)
    for sent in _to(app, tx, story.clinic):
        codes = [coding.get("code", "") for one in sent.get("medium", ()) for coding in one.get("coding", ())]
        way = next((known[code] for code in codes if code in known), "")
        if way in possible:
            return way
    return "message" if "message" in possible else "call"


def _to(app: App, tx: Transaction, reference: str) -> Sequence[Mapping[str, Any]]:
    """Reminders to this clinic, the newest first."""
    if not reference:
        return ()
    found = [one.resource for one in app.record.follow(tx, "Communication", [("recipient", reference)])]
    reminders = [
        one
        for one in found
        if any(
            f"{coding.get('system')}|{coding.get('code')}" == words.REMINDER
            for category in one.get("category", ())
            for coding in category.get("coding", ())
        )
    ]
    return sorted(reminders, key=lambda one: str(one.get("sent", "")), reverse=True)


def _possible(app: App, tx: Transaction, story: Story) -> list[str]:
    return [way for way in WAYS if way != "message" or feed_of(app, tx, story)]


def remind_silent(app: App, tx: Transaction, principal: Principal) -> str:
    """Every clinic that is late and was left alone for some days is reminded once for each referral; what to say."""
    require_work(principal)
    done = 0
    for request_id in referrals.silent(tx, app.clock.now(), _AT_ONCE):
        try:
            remind(app, tx, principal, request_id)
        except Rejected:
            continue
        done += 1
    if not done:
        return "Nobody to remind."
    made = "1 reminder" if done == 1 else f"{done} reminders"
    return f"{made} made. Calls and faxes are on the list of whoever makes them."


def another_is_due(app: App, story: Story) -> bool:
    """True after so many silent reminders that another clinic is worth a thought (ui.md §7.5)."""
    return story.silent >= referral_rows.tables_of(app).silent_reminders
