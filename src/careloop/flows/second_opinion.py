"""A second opinion of where to send: the question to a doctor is drafted, with what clinics did before as its facts.

A person reads and changes it before it is asked; the answer comes back as that of any question (flows/questions.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import referral_page
from careloop.flows.app import App
from careloop.loops import store
from careloop.loops.referrals import ClinicRecord

_CLINICS = 3
_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The loop that the question is about, its words and its facts."""

    loop_id: str
    text: str
    facts: Sequence[str]


def draft(app: App, tx: Transaction, principal: Principal, request_id: str) -> Draft:
    """The question about one open referral; `NotFound` where it has no open loop. The read is in the trail."""
    require_action(principal, Action.LOOP_WORK)
    one = referral_page.page(app, tx, principal, request_id)
    focus = f"ServiceRequest/{request_id}"
    loops = store.load_loops(tx, patients=[one.story.patient_id])
    loop = next((loop for loop in loops if loop.state.focus == focus and loop.state.status.is_open), None)
    if loop is None:
        raise NotFound("this referral has no open loop")
    best = sorted(one.others, key=_order)[:_CLINICS]
    here = one.story.clinic_name or "the first clinic"
    first = f"{best[0].name} in place of {here}" if best else f"another clinic than {here}"
    known = [one.record] if one.record else []
    return Draft(
        loop_id=loop.id,
        text=f"{one.story.service}: shall we ask {first}?",
        facts=[_says(clinic) for clinic in (*known, *best)][:_CLINICS],
    )


def _order(clinic: ClinicRecord) -> tuple[float, float, str]:
    """Those that return reports first, then those that answer soon; never asked, last."""
    answer = clinic.median_answer_seconds
    return -(clinic.share_reported or 0.0), float("inf") if answer is None else answer, clinic.name


def _says(clinic: ClinicRecord) -> str:
    if not clinic.asked:
        return f"{clinic.name}: not asked before"
    if clinic.median_answer_seconds is None:
        answer = "never answered yet"
    else:
        days = round(clinic.median_answer_seconds / _DAY)
        answer = f"answers in {'under a day' if days < 1 else '1 day' if days == 1 else f'{days} days'}"
    return f"{clinic.name}: {answer}, {clinic.reported} of {clinic.seen} reports returned"
