"""What a sender gives and leaves, in plain words: the report, the letter to the sender, the table for a spreadsheet."""

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from careloop.access.policy import Action, may_act
from careloop.flows import feed_reports as flow
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff

_HERE = "/feeds"
_SEVERITY = {"must": "We need this", "should": "We should have this", "could": "This would help"}


@get("/feeds/{feed_id:int}/report", sync_to_thread=True)
def feed_report_page(
    staff: SignedInStaff, feed_id: FromPath[int], sender: FromQuery[str | None] = None
) -> Response[str]:  # fmt: skip
    """The findings about one sender, what is good, and every field that was counted."""
    found = flow.report(staff.app, staff.principal, feed_id, sender)
    may_change = may_act(staff.principal, Action.FEED_MANAGE)
    return staff.page("feed_report.html", _HERE, {"found": found, "severity": _SEVERITY, "may_change": may_change})


@get("/feeds/{feed_id:int}/letter", sync_to_thread=True)
def feed_letter_page(
    staff: SignedInStaff, feed_id: FromPath[int], sender: FromQuery[str | None] = None
) -> Response[str]:  # fmt: skip
    """The letter to the sender, made to be printed."""
    found = flow.report(staff.app, staff.principal, feed_id, sender)
    return staff.page("feed_letter.html", _HERE, {"found": found, "site": staff.tenant.name})


@get("/feeds/{feed_id:int}/report.csv", sync_to_thread=True)
def feed_report_table(
    staff: SignedInStaff, feed_id: FromPath[int], sender: FromQuery[str | None] = None
) -> Response[str]:  # fmt: skip
    """Findings and counts as CSV."""
    found = flow.report(staff.app, staff.principal, feed_id, sender)
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="feed-{feed_id}.csv"'}
    return Response(flow.as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)
