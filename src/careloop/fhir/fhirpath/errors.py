"""The one way an expression can fail: `Rejected`, with the place in the expression where it is known."""

from careloop.errors import Rejected


def wrong(expected: str, position: int | None = None) -> Rejected:
    """An error that says what an expression should have had, and at which character."""
    at = "expression" if position is None else f"expression:{position}"
    return Rejected(at=at, expected=expected, code="invalid")
