"""Everything that one process needs, built once at its start and passed along."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from careloop.access.model import Tenant
from careloop.access.tenancy import get_tenant, list_tenants
from careloop.catalog import Catalog, RuleOverlays, load_catalog
from careloop.clock import Clock
from careloop.db import Database, ensure_database
from careloop.db.installation import read_clock_offset, write_clock_offset
from careloop.flows.code_maps import product_terminology
from careloop.flows.kept_charts import AllKeptFacts, KeptCharts
from careloop.record import Record
from careloop.settings import Settings
from careloop.terminology import Overlays, Terminology


@dataclass(frozen=True)
class App:
    """One process: its settings, its connections, its clock, the content it runs on, the record."""

    settings: Settings
    database: Database
    clock: Clock
    catalog: Catalog
    record: Record
    terminology: Terminology = field(default_factory=Terminology.load)
    """The product's own; `flows.terminology.terminology_of` gives a tenant's."""
    overlays: Overlays = field(default_factory=Overlays)
    rules: RuleOverlays = field(default_factory=RuleOverlays)
    """Content with a practice's own rules over it; `flows.engine.content_for` gives a tenant's."""
    charts: KeptCharts = field(default_factory=KeptCharts)
    facts: AllKeptFacts = field(default_factory=AllKeptFacts)
    """Charts folded lately; `flows.patient_facts.chart_of` gives a patient's."""

    def tenants(self) -> list[Tenant]:
        """All tenants of this installation, by slug."""
        with self.database.directory() as tx:
            return list_tenants(tx)

    def tenant(self, slug_or_id: str | int) -> Tenant:
        """The tenant of that slug or id; `NotFound` when there is none."""
        with self.database.directory() as tx:
            return get_tenant(tx, slug_or_id)

    def with_clock(self, clock: Clock) -> "App":
        """The same process at another time."""
        return replace(self, clock=clock)

    def close(self) -> None:
        """Connections are given back."""
        self.database.close()


def build_app(settings: Settings, *, pool_size: int | None = None) -> App:
    """An app on a running and migrated database. Content is loaded and checked: `ContentError` lists every fault.
    The process counts as a user of the embedded server until it ends."""
    urls = ensure_database(settings)
    database = Database(urls.app, max_size=pool_size or settings.pool_size).open()
    catalog = load_catalog(settings.content_dir)
    return App(
        settings=settings,
        database=database,
        clock=read_clock(database),
        catalog=catalog,
        record=Record.load(site_folders(settings.content_dir)),
        terminology=product_terminology(catalog),
    )


def site_folders(content_dir: Path | None) -> list[Path]:
    """Where a site keeps search parameters of its own."""
    folder = content_dir / "searchparameters" if content_dir is not None else None
    return [folder] if folder is not None and folder.is_dir() else []


@contextmanager
def running_app(settings: Settings, *, pool_size: int | None = None) -> Iterator[App]:
    """`build_app` for the length of a block."""
    app = build_app(settings, pool_size=pool_size)
    try:
        yield app
    finally:
        app.close()


def read_clock(database: Database) -> Clock:
    """The clock on which all processes of this installation agree."""
    with database.directory() as tx:
        return Clock(offset=read_clock_offset(tx))


def set_clock(database: Database, clock: Clock) -> None:
    """Every process that starts from now on lives at this time."""
    with database.directory() as tx:
        write_clock_offset(tx, clock.offset)
