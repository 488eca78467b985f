"""The transitions board: where each person is between hospital and home, and which clock runs."""

from litestar import Response, get
from litestar.params import FromQuery

from careloop.flows import board as flow
from careloop.web.staff.context import SignedInStaff, Staff


@get("/transitions", sync_to_thread=True)
def transitions_page(
    staff: SignedInStaff, view: FromQuery[str] = "board", column: FromQuery[str | None] = None
) -> Response[str]:
    """The board, or the same data as a table."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        board = flow.board(staff.app, tx, staff.principal, full=view == "table")
    calls = [card for item in board.columns if item.key == "call-due" for card in item.cards if card.loop_id]
    return staff.page(
        "transitions.html",
        "/transitions",
        {
            "board": board,
            "view": "table" if view == "table" else "board",
            "only": column,
            "people": sum(item.total for item in board.columns),
            "late": sum(item.late for item in board.columns),
            "call_next": calls[0].loop_id if calls else None,
            "feed_words": _feed_words(staff, board),
        },
    )


def _feed_words(staff: Staff, board: flow.TransitionsBoard) -> str:
    return f"Hospital notices: last one {staff.words.ago(board.last_notice)}." if board.last_notice else ""
