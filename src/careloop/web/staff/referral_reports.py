"""Reports of referrals: how long patients wait for the specialist, the closed-loop rate and CMS50."""

from functools import partial

from litestar import Response, get
from litestar.params import FromQuery

from careloop.flows import referral_board, referral_figures
from careloop.web.staff.context import SignedInStaff
from careloop.web.words import date_words


@get("/referrals/times", sync_to_thread=True)
def referrals_times(staff: SignedInStaff) -> Response[str]:
    """How long patients wait for the specialist, by specialty, clinic, insurance and language."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        report = referral_board.wait_report(staff.app, tx, staff.principal)
    day = partial(date_words, zone=staff.words.zone)
    return staff.page("referral_times.html", "/referrals", {"report": report, "day": day})


@get("/referrals/figures", sync_to_thread=True)
def referrals_figures(staff: SignedInStaff, year: FromQuery[int | None] = None) -> Response[str]:
    """The closed-loop rate and CMS50 of a year, with who is counted."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = referral_figures.figures(staff.app, tx, staff.principal, year)
    return staff.page("referral_figures.html", "/referrals", {"found": found, "most": referral_figures.MOST})
