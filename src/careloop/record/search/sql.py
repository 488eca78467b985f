"""SQL put together from typed parts. Text comes from this package alone; values are always bound."""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Sql(NamedTuple):
    """A piece of SQL with `%s` for each of its values, in order."""

    text: str
    values: tuple[Any, ...] = ()


TRUE = Sql("true")
FALSE = Sql("false")


def joined(word: str, parts: Iterable[Sql]) -> Sql:
    """The parts one after another with `word` between them."""
    texts: list[str] = []
    values: list[Any] = []
    for part in parts:
        texts.append(part.text)
        if part.values:
            values += part.values
    return Sql(word.join(texts), tuple(values))


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
    texts: list[str] = []
    values: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        else:
            texts.append(part.text)
            values += part.values
    return Sql(" ".join(texts), tuple(values))


def _bracketed(part: Sql) -> Sql:
    return Sql("(" + part.text + ")", part.values)
