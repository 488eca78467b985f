"""Searches as steps: each yields a statement where it needs rows and goes on with them.

So the statements of several searches can leave for the database together (`all_of`), and one search alone asks one
after the other (`one_of`).
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from careloop.db import Row, Transaction
from careloop.db.exchange import Statement
from careloop.errors import CareloopError

Result = TypeVar("Result")
Asking = Generator[Statement, list[Row], Result]
"""Something that asks for rows on its way to a result."""


def one_of(tx: Transaction, asking: Asking[Result]) -> Result:
    """The result, each statement asked for itself."""
    try:
        statement = next(asking)
        while True:
            [rows] = tx.ask_all([statement])
            statement = asking.send(rows)
    except StopIteration as done:
        result: Result = done.value
        return result


def all_of(tx: Transaction, begin: Sequence[Callable[[], Asking[Any]]]) -> list[Any]:
    """The result of each, or the `CareloopError` that it ends with; the statements that all of them need next are
    asked in one exchange."""
    outcomes: list[Any] = [None] * len(begin)
    waiting: list[tuple[int, Asking[Any], Statement]] = []

    def go_on(index: int, asking: Asking[Any], rows: list[Row] | None) -> None:
        try:
            waiting.append((index, asking, next(asking) if rows is None else asking.send(rows)))
        except StopIteration as done:
            outcomes[index] = done.value
        except CareloopError as error:
            outcomes[index] = error

    for index, start in enumerate(begin):
        go_on(index, start(), None)
    while waiting:
        asked, waiting = waiting, []
        for (index, asking, _), rows in zip(asked, tx.ask_all([one for _, _, one in asked]), strict=True):
            go_on(index, asking, rows)
    return outcomes
