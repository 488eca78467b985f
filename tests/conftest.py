"""Fixtures for tests on real PostgreSQL. One embedded server for a session; each test gets a tenant of its own."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from tests import sharing

from careloop.access.model import Tenant
from careloop.access.tenancy import TenantSettings, insert_tenant
from careloop.clock import Clock
from careloop.db import Database, DatabaseUrls, ensure_database, release_database
from careloop.settings import Settings

REPOSITORY = Path(__file__).parents[1]
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, 10:00 in New York."""

IS_CI = os.environ.get("CI") == "true"
"""Where nothing may be left out quietly."""

_numbers = itertools.count(1)

structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
"""Where a test provokes a fault: the default writes out every local value, the whole catalog among them."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines say what could not be tested on this machine."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for what, word in (
        ("browser tests (no chromium here)", "no chromium"),
        ("tests on ../shared", "../shared is missing"),
    ):
        count = sum(word in reason for reason in reasons)
        if count:
            terminalreporter.write_line(f"NOT TESTED: {count} {what}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a whole product comes first."""
    items[:] = sharing.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> sharing.ByProduct:
    """Processes share the run by file and by running product."""
    return sharing.ByProduct(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the browser tests keep pictures for a person to look at."""
    parser.addoption("--screenshots", default=None, help="folder for pictures of every screen")


@dataclass(frozen=True, kw_only=True)
class StandingClock(Clock):
    """A clock that stands still until it is moved."""

    stands_at: list[datetime] = field(default_factory=lambda: [START])

    def now(self) -> datetime:
        """The instant it was moved to last."""
        return self.stands_at[0]

    def move_to(self, instant: datetime) -> None:
        """It reads `instant` from now on."""
        self.stands_at[0] = instant

    def move_by(self, **parts: float) -> None:
        """It reads so much later from now on: `move_by(hours=2)`."""
        self.stands_at[0] += timedelta(**parts)


def new_data_dir() -> Path:
    """A fresh data folder that the server's user can reach also when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="careloop-test-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder of its own, for tests of whole installations."""
    folder = new_data_dir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Settings of the session's installation. With `DATABASE_URL` the tests run on that server."""
    folder = new_data_dir()
    yield Settings(data_dir=folder, database_url=os.environ.get("DATABASE_URL") or None)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_urls(settings: Settings) -> Iterator[DatabaseUrls]:
    """A migrated database; the owner's URL is for tests that must look past row-level security."""
    yield ensure_database(settings)
    release_database(settings)


@pytest.fixture(scope="session")
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    """Connections of the role that requests run as."""
    opened = Database(database_urls.app, max_size=20).open()
    yield opened
    opened.close()


@pytest.fixture
def tenant(database: Database) -> Tenant:
    """A fresh tenant in New York; whatever a test writes for it, no other test sees."""
    return make_tenant(database)


@pytest.fixture
def other_tenant(database: Database) -> Tenant:
    """A second tenant, for tests that one never sees the other."""
    return make_tenant(database)


def make_tenant(database: Database, *, zone: str = "America/New_York", production: bool = False) -> Tenant:
    """A row in the directory with a slug that no test has used."""
    slug = f"test-{os.getpid()}-{next(_numbers)}"
    with database.directory() as tx:
        return insert_tenant(
            tx, START, slug=slug, name="Test Practice", zone=zone, production=production, settings=TenantSettings()
        )


@pytest.fixture
def clock() -> StandingClock:
    """The clock that `app` lives by: Monday 23 November 2026, 10:00 in New York, until moved."""
    return StandingClock()


@pytest.fixture(scope="session")
def _app(settings: Settings, database: Database):
    from careloop.catalog import load_catalog
    from careloop.flows.app import App
    from careloop.record import Record

    return App(settings, database, StandingClock(), load_catalog(settings.content_dir), Record.load())


@pytest.fixture
def app(_app, clock: StandingClock):
    """The whole product in this process, on the session's database and the test's clock."""
    return _app.with_clock(clock)


@pytest.fixture(scope="session")
def _asgi(_app):
    from careloop.cli.asgi import create_asgi

    return create_asgi(_app)


@pytest.fixture
def asgi(_asgi, app):
    """The web application over `app`. Its routes are put together once for all tests of a process."""
    _asgi.serve_from(app)
    return _asgi


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with data that is not ours. Missing: the test is skipped, with CI=true it fails."""
    folder = Path(os.environ.get("CARELOOP_SHARED") or REPOSITORY.parent / "shared")
    if not (folder / "data").is_dir():
        if IS_CI:
            pytest.fail("../shared is missing")
        pytest.skip("../shared is missing")
    return folder
