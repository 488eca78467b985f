"""Connections and transactions. A transaction belongs to exactly one tenant, or to none.

The tenant is set with `set_config(..., true)` together with the first statement of the transaction and ends with it;
row-level security does the rest. A transaction without a tenant sees no tenant's rows, only the directory tables
(tenant, instance).
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar
from zlib import crc32

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import CheckViolation, ExclusionViolation, ForeignKeyViolation, UniqueViolation
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from careloop.db.cluster import APP_ROLE, NARROW_ROLE
from careloop.db.exchange import Known, Statement, exchange
from careloop.db.listening import OWN_NAME
from careloop.errors import NotPermitted, Unavailable

__all__ = [
    "CheckViolation",
    "Contended",
    "Database",
    "ExclusionViolation",
    "ForeignKeyViolation",
    "Row",
    "Transaction",
    "UniqueViolation",
]

Row = dict[str, Any]
Parameters = Mapping[str, Any] | Sequence[Any] | None
Result = TypeVar("Result")

_OPTIONS = (
    "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
    f" -c timezone=UTC -c application_name={OWN_NAME} -c client_min_messages=warning"
)
_BEGIN = "select set_config('app.tenant', %s, true), set_config('app.actor', %s, true)"
Sight = Sequence[str]
"""What a narrowed transaction sees: the settings of `_BEGIN_NARROW` in their order (migration 0012 reads them)."""
_BEGIN_NARROW = (
    f"{_BEGIN}, set_config('app.sight_types', %s, true), set_config('app.sight_tokens', %s, true),"
    " set_config('app.sight_patient', %s, true), set_config('app.sight_patient_types', %s, true),"
    " set_config('app.sight_patient_tokens', %s, true), set_config('app.sight_hidden', %s, true),"
    f" set_config('role', '{NARROW_ROLE}', true)"
)
_LOCK = """
select pg_advisory_xact_lock(hashtextextended(wanted.name, %s))
  from (select unnest(%s::text[]) as name order by 1) as wanted
"""
_CONTENDED = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_LOST = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
_TRUSTED_SECONDS = 1.0
"""A connection used this recently is handed out without asking the server first."""


class Contended(Unavailable):
    """Two writers were in each other's way and this one was undone; doing it again from the start may work."""


class _Connection(psycopg.Connection[Row]):
    last_used: float = 0.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.known = Known()

    def rollback(self) -> None:
        """Everything since the transaction began is undone. The driver then forgets what it had prepared and may have
        the server drop everything: it is made to, so that both know the same."""
        begun = self.info.transaction_status is not TransactionStatus.IDLE
        super().rollback()
        if begun and self.known.names:
            self.known.forget()
            self.pgconn.exec_(b"deallocate all")


class Transaction:
    """One open transaction. Rows come back as dicts in the order of the query's columns."""

    def __init__(
        self,
        connection: _Connection,
        tenant_id: int | None,
        actor: str = "",
        sight: Sight | None = None,
    ) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self.sight = sight
        self._begin: tuple[str, ...] | None = ("" if tenant_id is None else str(tenant_id), actor, *(sight or ()))
        self.after_commit: list[Callable[[], None]] = []
        self._last: dict[Callable[[list[Any]], Statement], list[Any]] = {}
        self._plan = "auto"

    def leave_for_last(self, write: Callable[[list[Any]], Statement], item: Any) -> None:
        """`write` says what is executed for this item and all others left for it, right before the commit. It fails
        with the transaction, and the transaction with it."""
        self._last.setdefault(write, []).append(item)

    def finish(self) -> None:
        """What was left for last is written and everything is committed, in one exchange with the server."""
        if not self._last:
            return
        last = [write(items) for write, items in self._last.items()]
        self._last.clear()
        exchange(self._connection, self._connection.known, [*self._beginning(), *last, Statement("commit")])

    @property
    def tenant_id(self) -> int:
        """The tenant whose rows this transaction sees."""
        if self._tenant_id is None:
            raise RuntimeError("a directory transaction has no tenant")
        return self._tenant_id

    def execute(self, sql: str, parameters: Parameters = None) -> int:
        """Run a statement; the number of rows it touched."""
        return self._run(sql, parameters).rowcount

    def execute_many(self, sql: str, parameters: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Run one statement for each set of parameters, sent in one batch."""
        with self._begun().cursor() as cursor:
            cursor.executemany(sql, parameters)

    def one(self, sql: str, parameters: Parameters = None) -> Row | None:
        """The first row, or None."""
        return self._run(sql, parameters).fetchone()

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """All rows."""
        return self._run(sql, parameters).fetchall()

    def rows_after(self, first: str, first_parameters: Parameters, sql: str, parameters: Parameters) -> list[Row]:
        """All rows of the second statement, which begins when the first is done; sent together."""
        connection = self._begun()
        with connection.pipeline():
            connection.execute(first, first_parameters)
            cursor = connection.execute(sql, parameters)
        return cursor.fetchall()

    def ask_all(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """The rows of each of some statements that do not need each other's, in one exchange with the server. Each is
        planned as it wants; what is executed otherwise afterwards is planned as the last of these."""
        if self._connection.pgconn.pipeline_status != PipelineStatus.OFF:
            return [self.rows(one.sql, one.parameters) for one in statements]
        sent = self._beginning()
        places: dict[int, int] = {}
        for index in sorted(range(len(statements)), key=lambda index: _rank(statements[index].plan, self._plan)):
            one = statements[index]
            if one.plan != self._plan:
                sent.append(Statement(_PLANS[one.plan]))
                self._plan = one.plan
            places[index] = len(sent)
            sent.append(one)
        found = exchange(self._connection, self._connection.known, sent)
        return [found[places[index]] for index in range(len(statements))]

    def _beginning(self) -> list[Statement]:
        """What opens the transaction, where nothing has yet. Only the driver knows an isolation of its own."""
        if self._begin is None:
            return []
        if self._connection.isolation_level is not None:
            self._begun()
            return []
        begin, self._begin = self._begin, None
        return [Statement("begin"), Statement(_BEGIN if self.sight is None else _BEGIN_NARROW, begin)]

    def value(self, sql: str, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, parameters)
        return None if row is None else next(iter(row.values()))

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write many rows; the number of rows sent. `table` and `columns` come from code only.

        PostgreSQL refuses COPY straight into a table with row-level security, so the rows go by COPY into a table of
        this connection and from there by one insert, where the policy sees them.
        """
        count = 0
        names = ", ".join(columns)
        staging = f"staging_{table}_{crc32(names.encode()):08x}"
        self.execute(
            f"create temp table if not exists {staging} on commit delete rows as select {names} from {table} limit 0"  # noqa: S608
        )
        with self._begun().cursor() as cursor, cursor.copy(f"copy {staging} from stdin") as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        self.execute(f"insert into {table} ({names}) select {names} from {staging}")  # noqa: S608
        self.execute(f"truncate {staging}")
        return count

    def copy_text(self, table: str, columns: Sequence[str], lines: str) -> None:
        """Rows in the text form of COPY go straight into a table. Only for the owner of the tables, whom row-level
        security does not bind. `table` and `columns` come from code only."""
        with self._begun().cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
            copy.write(lines)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A nested transaction: an exception inside undoes only what happened inside."""
        left = {write: len(items) for write, items in self._last.items()}
        try:
            with self._begun().transaction():
                yield
        except BaseException:
            self._last = {write: self._last[write][:count] for write, count in left.items()}
            self._forget_prepared()
            raise

    def _forget_prepared(self) -> None:
        """After a rollback to a savepoint the driver has the server drop all that is prepared, with its next statement:
        that is now, so that nothing is prepared before it and dropped by it."""
        self._connection.known.forget()
        if self._connection.info.transaction_status is TransactionStatus.INTRANS:
            self._connection.execute("deallocate all")

    def pipeline(self) -> AbstractContextManager[Any]:
        """Statements inside are sent without waiting for each answer; only for statements whose results are not read
        one by one."""
        return self._begun().pipeline()

    def lock(self, *names: str) -> None:
        """Hold each named lock until the transaction ends, taken in one fixed order so that two never deadlock."""
        if names:
            self.execute(_LOCK, (self._tenant_id or 0, sorted(set(names))))

    def _run(self, sql: str, parameters: Parameters) -> psycopg.Cursor[Row]:
        if self._begin is None:
            return self._connection.execute(sql, parameters)
        begin, self._begin = self._begin, None
        with self._connection.pipeline():
            self._connection.execute(_BEGIN if self.sight is None else _BEGIN_NARROW, begin)
            return self._connection.execute(sql, parameters)

    def _begun(self) -> psycopg.Connection[Row]:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            self._connection.execute(_BEGIN if self.sight is None else _BEGIN_NARROW, begin)
        return self._connection

    @contextmanager
    def widened(self) -> Iterator[None]:
        """Inside, a narrowed transaction sees and writes everything of its tenant: for what was permitted before."""
        if self.sight is None:
            yield
            return
        connection, narrow = self._begun(), self.sight
        connection.execute(f"set local role {APP_ROLE}")
        self.sight = None
        try:
            yield
        finally:
            self.sight = narrow
            if connection.info.transaction_status is not TransactionStatus.INERROR:
                connection.execute(f"set local role {NARROW_ROLE}")


def _rank(plan: str, current: str) -> tuple[bool, str]:
    """Those that are planned as the last ones were come first, those of one plan together."""
    return plan != current, plan


_PLANS = {plan: f"set local plan_cache_mode = {plan}" for plan in ("auto", "force_generic_plan", "force_custom_plan")}


class Database:
    """A pool of connections of the `app` role (or, for migrations and `verify`, the owner).

    After a restart of the server each call is `Unavailable` within `wait_seconds` and works again as soon as the
    server does.
    """

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 4, wait_seconds: float = 10.0) -> None:
        self.url = url
        self._wait_seconds = wait_seconds
        options = f"{conninfo_to_dict(url).get('options') or ''} {_OPTIONS}".strip()
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            open=False,
            check=_check,
            reconnect_timeout=3.0,
            kwargs={"row_factory": dict_row, "options": options, "autocommit": False, "connect_timeout": 5},
            connection_class=_Connection,
        )

    def open(self) -> "Database":
        """Connect; raises `Unavailable` when no server answers in time."""
        try:
            self._pool.open(wait=True, timeout=self._wait_seconds)
        except PoolTimeout as error:
            raise Unavailable("the database does not answer") from error
        return self

    def close(self) -> None:
        """Give all connections back."""
        self._pool.close()

    @contextmanager
    def transaction(self, tenant_id: int, *, actor: str = "", sight: Sight | None = None) -> Iterator[Transaction]:
        """A transaction that sees and writes only this tenant's rows. Commits at the end, rolls back on an error. With
        `sight` it sees only that part of the record and writes nothing."""
        with self._open_transaction(tenant_id, actor, sight=sight) as transaction:
            yield transaction

    @contextmanager
    def snapshot(self, tenant_id: int, *, actor: str = "", read_only: bool = False) -> Iterator[Transaction]:
        """The same, and every statement sees the data of one instant, however long the transaction lasts. With
        `read_only` the server refuses every write in it."""
        level = psycopg.IsolationLevel.REPEATABLE_READ
        with self._open_transaction(tenant_id, actor, isolation=level, read_only=read_only) as transaction:
            yield transaction

    @contextmanager
    def directory(self) -> Iterator[Transaction]:
        """A transaction without a tenant: only the tables that hold no tenant's data can be seen."""
        with self._open_transaction(None, "") as transaction:
            yield transaction

    def run(
        self,
        tenant_id: int,
        work: Callable[[Transaction], Result],
        *,
        actor: str = "",
        tries: int = 5,
        sight: Sight | None = None,
    ) -> Result:
        """`work` done in one committed transaction; done again from the start after a deadlock or a serialization
        failure, at most `tries` times. `work` must have no effect outside the transaction."""
        for attempt in range(1, tries + 1):
            try:
                with self.transaction(tenant_id, actor=actor, sight=sight) as transaction:
                    return work(transaction)
            except Contended:
                if attempt == tries:
                    raise
                time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311
        raise AssertionError("unreachable")

    @contextmanager
    def _open_transaction(
        self,
        tenant_id: int | None,
        actor: str,
        *,
        isolation: psycopg.IsolationLevel | None = None,
        read_only: bool = False,
        sight: Sight | None = None,
    ) -> Iterator[Transaction]:
        try:
            pooled = self._pool.connection(timeout=self._wait_seconds)
            with pooled as connection, _isolated(connection, isolation, read_only):
                transaction = Transaction(connection, tenant_id, actor, sight)
                yield transaction
                transaction.finish()
                connection.last_used = time.monotonic()
        except _CONTENDED as error:
            raise Contended("too many writers at once", retry_after_seconds=1) from error
        except _LOST as error:
            raise Unavailable("the database is not available just now") from error
        except psycopg.errors.InsufficientPrivilege as error:
            if sight is None:
                raise
            raise NotPermitted("this is not for an app that sees a part of the record only") from error
        for callback in transaction.after_commit:
            callback()


@contextmanager
def _isolated(connection: _Connection, isolation: psycopg.IsolationLevel | None, read_only: bool) -> Iterator[None]:
    if isolation is None:
        yield
        return
    connection.isolation_level = isolation
    connection.read_only = read_only or None
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.isolation_level = None
        connection.read_only = None


def _check(connection: _Connection) -> None:
    if time.monotonic() - connection.last_used > _TRUSTED_SECONDS:
        ConnectionPool.check_connection(connection)
