"""The two roles and what a server must promise before Careloop runs on it."""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from careloop.db.cluster import APP_ROLE, NARROW_ROLE
from careloop.db.notices import warn
from careloop.errors import Unavailable

_MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")
_OLDEST_VERSION = 150000


def app_url_of(owner_url: str) -> str:
    """The same server, every statement run as the `app` role."""
    options = str(conninfo_to_dict(owner_url).get("options") or "")
    return make_conninfo(owner_url, options=f"{options} -c role={APP_ROLE}".strip())


def ensure_database_exists(owner_url: str, name: str) -> None:
    """The embedded server has our database."""
    server = make_conninfo(owner_url, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
        if found is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def ensure_app_role(owner_url: str, password: str | None) -> None:
    """The role of requests exists. With `password` it may sign in itself (embedded server); without, the user of
    `DATABASE_URL` may take it on."""
    try:
        with psycopg.connect(owner_url, connect_timeout=10, autocommit=True) as connection, connection.transaction():
            connection.execute("select pg_advisory_xact_lock(7203981)")
            _make_role(connection, password)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            f"the user of DATABASE_URL may not create the role {APP_ROLE}; have an administrator run: "
            f"create role {APP_ROLE}; grant {APP_ROLE} to <user>; "
            f"create role {NARROW_ROLE}; grant {NARROW_ROLE} to <user>"
        ) from error
    except psycopg.OperationalError as error:
        raise Unavailable("the database does not answer or refuses the user of DATABASE_URL") from error


def _make_role(connection: psycopg.Connection, password: str | None) -> None:
    role = sql.Identifier(APP_ROLE)
    exists = connection.execute("select 1 from pg_roles where rolname = %s", (APP_ROLE,)).fetchone() is not None
    if password is None:
        if not exists:
            connection.execute(sql.SQL("create role {}").format(role))
        if not _may_take(connection, APP_ROLE):
            connection.execute(sql.SQL("grant {} to current_user").format(role))
    elif not exists:
        connection.execute(sql.SQL("create role {} login").format(role))
        connection.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
    _make_narrow_role(connection, signs_in=password is not None)


def _make_narrow_role(connection: psycopg.Connection, *, signs_in: bool) -> None:
    """The role of narrowed principals exists, and those who sign in for requests may step down to it."""
    narrow = sql.Identifier(NARROW_ROLE)
    if connection.execute("select 1 from pg_roles where rolname = %s", (NARROW_ROLE,)).fetchone() is None:
        connection.execute(sql.SQL("create role {} nologin noinherit").format(narrow))
    taker = sql.Identifier(APP_ROLE) if signs_in else sql.SQL("current_user")
    if signs_in or not _may_take(connection, NARROW_ROLE):
        # Who inherited the role would be under its policies without having stepped down to it.
        option = " with inherit false, set true" if connection.info.server_version >= 160000 else ""
        connection.execute(sql.SQL("grant {} to {}" + option).format(narrow, taker))


def _may_take(connection: psycopg.Connection, role: str) -> bool:
    row = connection.execute("select pg_has_role(current_user, %s, 'MEMBER')", (role,)).fetchone()
    return row is not None and bool(row[0])


def check_server(owner_url: str, app_url: str) -> None:
    """The server keeps what it has acknowledged, and requests run as a role that row-level security binds. Anything
    else is refused with `Unavailable`; missing checksums are only warned of."""
    try:
        with psycopg.connect(app_url, connect_timeout=10) as connection:
            _check_version(connection)
            _check_durable(connection)
            _check_role(connection)
    except psycopg.OperationalError as error:
        raise Unavailable("the role of requests cannot sign in to the database") from error


def _check_version(connection: psycopg.Connection) -> None:
    if connection.info.server_version < _OLDEST_VERSION:
        raise Unavailable("PostgreSQL 15 or newer is needed")


def _check_durable(connection: psycopg.Connection) -> None:
    for name in _MUST_BE_ON:
        if _setting(connection, name) == "off":
            raise Unavailable(f"the database runs with {name} = off: acknowledged messages could be lost")
    if _setting(connection, "data_checksums") != "on":
        warn("database_without_checksums")


def _setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("select current_setting(%s)", (name,)).fetchone()
    return "" if row is None else str(row[0])


_ROLE_FACTS = """
select rolsuper, rolbypassrls,
       exists (select 1 from pg_class where relowner = pg_roles.oid and relnamespace = 'public'::regnamespace) as owns
  from pg_roles
 where rolname = current_user
"""


def _check_role(connection: psycopg.Connection) -> None:
    row = connection.execute(_ROLE_FACTS).fetchone()
    if row is None or any(row):
        raise Unavailable("requests would run as a superuser, as the owner of tables or past row-level security")
