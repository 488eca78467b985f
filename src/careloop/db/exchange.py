"""Several statements in one exchange with the server: all are sent, then all results are read.

A driver's pipeline sends its statements one by one and looks for results in between, and each look costs about as much
as a small query. Here the messages of all statements leave together and the server answers once. For statements that
do not need each other's results. Each is prepared when it has come a second time.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send

Row = dict[str, Any]
Parameters = Mapping[str, Any] | Sequence[Any] | None

_PLACE = re.compile(r"%(?:\((\w+)\)s|s|%)")
_MOST_PREPARED = 250
_MOST_SEEN = 1000
_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


@dataclass(frozen=True, slots=True)
class Statement:
    """Something to be asked. `plan` is a value of `plan_cache_mode`."""

    sql: str
    parameters: Parameters = None
    plan: str = "auto"


@dataclass
class Known:
    """What a connection's server has prepared for it here, and which statements came once."""

    names: dict[tuple[bytes, tuple[int, ...]], bytes] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)
    made: int = 0

    def forget(self) -> None:
        """The server has dropped them, as it does after a rollback (the driver asks it to)."""
        self.names.clear()


@lru_cache(maxsize=2048)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...] | None]:
    """The statement with `$1`, `$2`; the names in that order, None where values come by place."""
    names: list[str] = []
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match[0] == "%%":
            return "%"
        if match[1] is None:
            count += 1
            return f"${count}"
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    text = _PLACE.sub(number, sql)
    return text.encode(), tuple(names) if names else None


def exchange(connection: psycopg.Connection[Any], known: Known, statements: Sequence[Statement]) -> list[list[Row]]:
    """The rows of each, in order. The first error of any is raised; the transaction is over then."""
    pgconn = connection.pgconn
    adapt = Transformer(connection)
    packed = [_packed(adapt, one) for one in statements]
    fresh: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
    awaited: list[bool] = []
    pgconn.enter_pipeline_mode()
    try:
        for one in packed:
            _send(pgconn, known, fresh, one, awaited)
        pgconn.pipeline_sync()
        results = connection.wait(_collected(pgconn, len(awaited)))
    finally:
        if pgconn.status == pq.ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    _refuse_faults(connection, results)
    known.names.update(fresh)
    asked = [result for result, wanted in zip(results, awaited, strict=True) if wanted]
    return [_rows(adapt, result) for result in asked]


@dataclass(frozen=True, slots=True)
class _Packed:
    """A statement and its values as they go to the server."""

    query: bytes
    values: Sequence[Any]
    types: tuple[int, ...]
    formats: Sequence[Any] | None


def _packed(adapt: Any, one: Statement) -> _Packed:
    """Done for all statements before the first is sent: a value that cannot be written spoils no connection."""
    query, names = _numbered(one.sql)
    given: Any = one.parameters
    values: Sequence[Any] = ()
    if names is not None:
        values = [given[name] for name in names]
    elif given is not None and not isinstance(given, Mapping):
        values = given
    if not values:
        return _Packed(query, (), (), None)
    dumped = adapt.dump_sequence(values, [PyFormat.AUTO] * len(values))
    return _Packed(query, dumped, tuple(adapt.types or ()), list(adapt.formats or ()))


def _send(
    pgconn: pq.abc.PGconn,
    known: Known,
    fresh: dict[tuple[bytes, tuple[int, ...]], bytes],
    one: _Packed,
    awaited: list[bool],
) -> None:
    """The messages of one statement are in the buffer; `awaited` says which of their results are its rows."""
    key = (one.query, one.types)
    name = known.names.get(key) or fresh.get(key)
    if name is None and one.query in known.seen and len(known.names) + len(fresh) < _MOST_PREPARED:
        known.made += 1
        name = fresh[key] = b"careloop_%d" % known.made
        pgconn.send_prepare(name, one.query, one.types)
        awaited.append(False)
    if name is not None:
        pgconn.send_query_prepared(name, one.values, one.formats)
    else:
        if len(known.seen) >= _MOST_SEEN:
            known.seen.clear()
        known.seen.add(one.query)
        pgconn.send_query_params(one.query, one.values, one.types, one.formats)
    awaited.append(True)


def _collected(pgconn: pq.abc.PGconn, count: int) -> Generator[Any, Any, list[Any]]:
    """The results of so many messages and of the sync behind them."""
    yield from send(pgconn)
    found = []
    for _ in range(count):
        found += yield from fetch_many(pgconn)
    yield from fetch_many(pgconn)
    return found


def _refuse_faults(connection: psycopg.Connection[Any], results: Sequence[Any]) -> None:
    for result in results:
        if result.status not in _GOOD:
            raise error_from_result(result, encoding=connection.info.encoding)


def _rows(adapt: Any, result: Any) -> list[Row]:
    if result.status != pq.ExecStatus.TUPLES_OK:
        return []
    names = [result.fname(index).decode() for index in range(result.nfields)]
    adapt.set_pgresult(result)
    rows: list[Row] = adapt.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))
    return rows
