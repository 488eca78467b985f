"""Numbered SQL files, each run once, in order, in one transaction, as the owner."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

import psycopg

from careloop.db.cluster import APP_ROLE
from careloop.errors import ContentError, Fault, Unavailable

_NAME = re.compile(r"^(\d{4})_(pre|post)_([a-z0-9_]+)\.sql$")
_LOCK = 7203980
_TABLE = """
create table if not exists migration (
    number int primary key,
    name text not null,
    sha256 text not null,
    applied timestamptz not null default now()
)
"""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file. `pre` files leave the old code running; `post` files need it gone."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Tells whether an applied file was changed afterwards."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped_migrations() -> list[Migration]:
    """The files of this version, in order. Two with one number, or a name that does not fit, is a `ContentError`."""
    found = []
    for path in files("careloop.db").joinpath("migrations").iterdir():
        if path.name.endswith(".sql"):
            found.append(_read(path.name, path.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    doubled = {one.name for one, other in pairwise(found) if one.number == other.number}
    if doubled:
        raise ContentError([Fault(at=name, expected="a number of its own") for name in sorted(doubled)])
    return found


def _read(name: str, text: str) -> Migration:
    match = _NAME.match(name)
    if match is None:
        raise ContentError([Fault(at=name, expected="a name like 0007_pre_referral.sql")])
    return Migration(number=int(match[1]), name=name, text=text)


def migrate(owner_url: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """The database has the schema of this version; the names of the files that were run now.

    Processes that start at the same time wait for each other. `Unavailable` where the database is newer than the code
    or a file was changed after it had run.
    """
    wanted = shipped_migrations() if migrations is None else list(migrations)
    with psycopg.connect(owner_url, autocommit=True, options="-c timezone=UTC -c lock_timeout=60s") as connection:
        if _is_up_to_date(connection, wanted):
            return []
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        try:
            connection.execute(_TABLE)
            connection.execute(f"grant select on migration to {APP_ROLE}")
            missing = _missing(connection, wanted)
            for migration in missing:
                _apply(connection, migration)
        finally:
            connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))
    return [migration.name for migration in missing]


def _is_up_to_date(connection: psycopg.Connection, wanted: Sequence[Migration]) -> bool:
    row = connection.execute("select to_regclass('migration') is not null").fetchone()
    return row is not None and bool(row[0]) and not _missing(connection, wanted)


def _missing(connection: psycopg.Connection, wanted: Sequence[Migration]) -> list[Migration]:
    applied: dict[int, str] = dict(connection.execute("select number, sha256 from migration").fetchall())
    for number in applied.keys() - {migration.number for migration in wanted}:
        raise Unavailable(f"the database has migration {number:04d}, which this version does not know: use a newer one")
    for migration in wanted:
        if applied.get(migration.number, migration.sha256) != migration.sha256:
            raise Unavailable(f"{migration.name} is not the file that was run on this database")
    return [migration for migration in wanted if migration.number not in applied]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.text)
        connection.execute(
            "insert into migration (number, name, sha256) values (%s, %s, %s)",
            (migration.number, migration.name, migration.sha256),
        )
