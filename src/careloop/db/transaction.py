"""One open transaction: what is asked in it, how it leaves for the server, what waits for the next thing asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any
from zlib import crc32

import psycopg
from psycopg.errors import UniqueViolation
from psycopg.pq import PipelineStatus, TransactionStatus

from careloop.db.cluster import APP_ROLE, NARROW_ROLE
from careloop.db.exchange import Known, Statement, exchange
from careloop.errors import Unavailable

Row = dict[str, Any]
Parameters = Mapping[str, Any] | Sequence[Any] | None

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


class Contended(Unavailable):
    """Two writers were in each other's way and this one was undone; doing it again from the start may work."""


class Connection(psycopg.Connection[Row]):
    """A connection that knows what its server has prepared for it, and when it was last used."""

    last_used: float = 0.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.known = Known()

    @cached_property
    def database(self) -> str:
        """Which database this is, for what a process keeps beside it: another one may have the same tenants."""
        return f"{self.info.host} {self.info.port} {self.info.dbname}"

    def rollback(self) -> None:
        """Everything since the transaction began is undone. The driver then forgets what it had prepared and may have
        the server drop everything: it is made to, so that both know the same."""
        begun = self.info.transaction_status is not TransactionStatus.IDLE
        super().rollback()
        if begun and self.known.names:
            self.known.forget()
            self.pgconn.exec_(b"deallocate all")


Check = Callable[[list[list[Row]]], None]


class Later:
    """The rows of each of some statements that leave with whatever is asked next; asking for the rows is asking."""

    def __init__(self, tx: "Transaction", statements: Sequence[Statement], check: Check | None) -> None:
        self.statements = statements
        self._tx, self._check = tx, check
        self._found: list[list[Row]] | None = None

    def take(self, found: list[list[Row]]) -> None:
        """They were sent, and this came back; what must not be is raised."""
        self._found = found
        if self._check is not None:
            self._check(found)

    @property
    def rows(self) -> list[list[Row]]:
        """What came back for each."""
        if self._found is None:
            self._tx.send()
        if self._found is None:
            raise RuntimeError("what was to be asked later was undone")
        return self._found


class Transaction:
    """One open transaction. Rows come back as dicts in the order of the query's columns."""

    def __init__(
        self,
        connection: Connection,
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
        self._waiting: list[Later] = []
        self.first_come: set[str] = set()
        """Tables into which this transaction writes names that somebody else may write at the same moment: where such a
        row stands already, it was beaten to it and is `Contended`."""
        self.sent = 0
        """How often something left for the server: where it is the same as before, nothing was changed in between."""
        self._plan = "auto"

    def leave_for_last(self, write: Callable[[list[Any]], Statement], item: Any) -> None:
        """`write` says what is executed for this item and all others left for it, right before the commit. It fails
        with the transaction, and the transaction with it."""
        self._last.setdefault(write, []).append(item)

    def later(self, statements: Sequence[Statement], *, check: Check | None = None) -> Later:
        """These need not be sent at once: they leave in one exchange with whatever is asked next, in the order in which
        they were given, and before it. What fails among them fails there, and `check` is called there with the rows of
        each. Nothing that waits is ever left out: at the latest it leaves before the commit."""
        waiting = Later(self, statements, check)
        self._waiting.append(waiting)
        return waiting

    def send(self) -> None:
        """What waits is sent."""
        if self._waiting:
            self.ask_all(())

    def finish(self) -> None:
        """What waits is sent; what was left for last is written and everything is committed, in one exchange with the
        server."""
        self.send()
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

    @property
    def database(self) -> str:
        """Tells databases apart, for what a process keeps of one."""
        return self._connection.database

    def execute(self, sql: str, parameters: Parameters = None) -> int:
        """Run a statement; the number of rows it touched."""
        return self._run(sql, parameters).rowcount

    def execute_many(self, sql: str, parameters: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Run one statement for each set of parameters, sent in one batch."""
        with self._begun().cursor() as cursor:
            cursor.executemany(sql, parameters)

    def one(self, sql: str, parameters: Parameters = None) -> Row | None:
        """The first row, or None."""
        if self._waiting:
            return next(iter(self.rows(sql, parameters)), None)
        return self._run(sql, parameters).fetchone()

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """All rows."""
        if self._waiting:
            return self.ask_all([Statement(sql, parameters)])[0]
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
        planned as it wants; what is executed otherwise afterwards is planned as the last of these. What waits leaves
        before them."""
        waiting, self._waiting = self._waiting, []
        if self._connection.pgconn.pipeline_status != PipelineStatus.OFF:
            for later in waiting:
                later.take([self.rows(each.sql, each.parameters) for each in later.statements])
            return [self.rows(one.sql, one.parameters) for one in statements]
        sent = self._beginning()
        begin = len(sent)
        sent += [each for later in waiting for each in later.statements]
        places: dict[int, int] = {}
        for index in sorted(range(len(statements)), key=lambda index: _rank(statements[index].plan, self._plan)):
            one = statements[index]
            if one.plan != self._plan:
                sent.append(Statement(_PLANS[one.plan]))
                self._plan = one.plan
            places[index] = len(sent)
            sent.append(one)
        self.sent += 1
        try:
            found = exchange(self._connection, self._connection.known, sent)
        except UniqueViolation as error:
            if error.diag.table_name in self.first_come:
                raise Contended("somebody else created the same just now", retry_after_seconds=1) from error
            raise
        for later in waiting:
            later.take(found[begin : begin + len(later.statements)])
            begin += len(later.statements)
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
                self.send()
        except BaseException:
            self._waiting.clear()
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
        self.send()
        self.sent += 1
        if self._begin is None:
            return self._connection.execute(sql, parameters)
        begin, self._begin = self._begin, None
        with self._connection.pipeline():
            self._connection.execute(_BEGIN if self.sight is None else _BEGIN_NARROW, begin)
            return self._connection.execute(sql, parameters)

    def _begun(self) -> psycopg.Connection[Row]:
        self.send()
        self.sent += 1
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
            self.send()
        finally:
            self._waiting.clear()
            self.sight = narrow
            if connection.info.transaction_status is not TransactionStatus.INERROR:
                connection.execute(f"set local role {NARROW_ROLE}")


def _rank(plan: str, current: str) -> tuple[bool, str]:
    """Those that are planned as the last ones were come first, those of one plan together."""
    return plan != current, plan


_PLANS = {plan: f"set local plan_cache_mode = {plan}" for plan in ("auto", "force_generic_plan", "force_custom_plan")}
