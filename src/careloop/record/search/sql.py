"""SQL put together from typed parts. Text comes from this package alone; values are always bound."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with `%s` for each of its values, in order."""

    text: str
    values: tuple[Any, ...] = ()


TRUE = Sql("true")
FALSE = Sql("false")


def joined(word: str, parts: Iterable[Sql]) -> Sql:
    """The parts one after another with `word` between them."""
    kept = list(parts)
    return Sql(word.join(part.text for part in kept), tuple(value for part in kept for value in part.values))


def all_of(parts: Iterable[Sql]) -> Sql:
    """True where every part is."""
    kept = list(parts)
    return joined(" and ", map(_bracketed, kept)) if kept else TRUE


def any_of(parts: Iterable[Sql]) -> Sql:
    """True where one of the parts is."""
    kept = list(parts)
    return joined(" or ", map(_bracketed, kept)) if kept else FALSE


def negated(part: Sql) -> Sql:
    """True where the part is not."""
    return Sql("not (" + part.text + ")", part.values)


def chain(*parts: Sql | str) -> Sql:
    """Words and parts one after another, a space between them."""
    return joined(" ", (Sql(part) if isinstance(part, str) else part for part in parts))


def _bracketed(part: Sql) -> Sql:
    return Sql("(" + part.text + ")", part.values)
