"""Connections and transactions. A transaction belongs to exactly one tenant, or to none.

The tenant is set with `set_config(..., true)` together with the first statement of the transaction and ends with it;
row-level security does the rest. A transaction without a tenant sees no tenant's rows, only the directory tables
(tenant, instance).
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import CheckViolation, ExclusionViolation, ForeignKeyViolation, UniqueViolation
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from careloop.db.listening import OWN_NAME
from careloop.db.transaction import Connection, Contended, Row, Sight, Transaction
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

Result = TypeVar("Result")

_OPTIONS = (
    "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
    f" -c timezone=UTC -c application_name={OWN_NAME} -c client_min_messages=warning"
    # Helpers of one query start as processes of their own: some 10 ms, more than most of what is asked here takes.
    " -c max_parallel_workers_per_gather=0"
)
_CONTENDED = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_LOST = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
_TRUSTED_SECONDS = 1.0
"""A connection used this recently is handed out without asking the server first."""


class Database:
    """A pool of connections of the `app` role (or, for migrations and `verify`, the owner).

    After a restart of the server each call is `Unavailable` within `wait_seconds` and works again as soon as the
    server does.
    """

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 4, wait_seconds: float = 10.0) -> None:
        self.url = url
        self._wait_seconds = wait_seconds
        options = f"{conninfo_to_dict(url).get('options') or ''} {_OPTIONS}".strip()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            open=False,
            check=_check,
            reconnect_timeout=3.0,
            kwargs={"row_factory": dict_row, "options": options, "autocommit": False, "connect_timeout": 5},
            connection_class=Connection,
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
def _isolated(connection: Connection, isolation: psycopg.IsolationLevel | None, read_only: bool) -> Iterator[None]:
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


def _check(connection: Connection) -> None:
    if time.monotonic() - connection.last_used > _TRUSTED_SECONDS:
        ConnectionPool.check_connection(connection)
