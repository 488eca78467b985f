"""Tables of a benchmark's installation are filled in millions: without indexes and triggers meanwhile, rows by COPY.

What is written is what the product writes: index rows come from its indexer, and whoever fills says what triggers would
have said. Nothing of this is for an installation with real data.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from careloop.bench.installation import Place
from careloop.bench.telling import Stage, by_two, tell
from careloop.db import Database, Row, Transaction, load_queries
from careloop.db.limits import vacuum
from careloop.fhir.tokens import value_hash
from careloop.record.store import NewVersion, array

_SQL = load_queries("careloop.bench", "filling.sql")

_KEYED = ("loop_place",)
"""Here keys stay: the trigger that writes needs them."""

FILLED = (
    "resource_token", "resource", "loop", "patient_key", "loop_step", "resource_string", "resource_date", "change_feed",
    "patient_identifier", "patient_features", "patient_trait",
)  # fmt: skip
"""Tables that stand bare while they are filled; the greatest first."""

_COLUMNS = {
    "resource": "key last_updated digest self tenant_id version type id patient_id tokens present refs body",
    "resource_token": "token key tenant_id",
    "resource_date": "field low high key tenant_id shape",
    "resource_string": "field key tenant_id value",
    "resource_quantity": "field value key tenant_id dimension base unit",
    "change_feed": "key at tenant_id version change type id patient_id",
    "patient_identifier": "tenant_id system value patient_id skeleton on_resource recorded",
    "patient_features": "tenant_id patient_id features",
    "patient_key": "tenant_id key patient_id",
    "patient_trait": "tenant_id kind value patient_id",
}
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Lines:
    """Rows for COPY, by table."""

    def __init__(self, tenant_id: int, columns: Mapping[str, str] = _COLUMNS) -> None:
        self.tenant_id = tenant_id
        self._columns = columns
        self._of: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, table: str, *values: object) -> None:
        """One row, in the order of its columns; texts from outside come through `plain`."""
        self._of[table].append("\t".join(["\\N" if one is None else str(one) for one in values]))

    def add_resource(self, one: NewVersion, at: datetime) -> None:
        """A first version with its index and its entry in the feed."""
        key, tenant, index = one.key, self.tenant_id, one.index
        self.add(
            "resource", key, at, one.digest, value_hash(f"{one.resource_type}/{one.id}"), tenant, one.version,
            one.resource_type, one.id, index.patient_id, array(index.tokens), array(index.present),
            array(index.references), plain(one.text or ""),
        )  # fmt: skip
        for token in index.tokens:
            self.add("resource_token", token, key, tenant)
        for date in index.dates:
            self.add("resource_date", date.field, date.low, date.high, key, tenant, date.shape)
        for field, text in index.strings:
            self.add("resource_string", field, key, tenant, plain(text))
        for number in index.quantities:
            self.add(
                "resource_quantity", number.field, number.value, key, tenant, number.dimension, number.base,
                plain(number.unit) or None,
            )  # fmt: skip
        self.add("change_feed", key, at, tenant, one.version, one.change, one.resource_type, one.id, index.patient_id)

    def write(self, tx: Transaction) -> None:
        """The rows stand; `tx` is the owner's."""
        for table, lines in self._of.items():
            tx.copy_text(table, self._columns[table].split(), "\n".join(lines) + "\n")


def plain(text: str) -> str:
    """A text as COPY takes it."""
    return text.translate(_ESCAPED)


def untriggered(tx: Transaction) -> None:
    """No trigger fires in this transaction of the owner, and it may take its time."""
    tx.execute(_SQL["no_triggers"])


@contextmanager
def bare(place: Place) -> Iterator[None]:
    """Inside, the filled tables have no index, key or link; afterwards they have those that they had."""
    asked = {"tables": list(FILLED), "keyed": list(_KEYED)}
    owner = Database(place.urls.owner, max_size=2).open()
    try:
        with owner.directory() as tx:
            tx.execute(_SQL["much_memory"])
            links, indexes = tx.rows(_SQL["links"], asked), tx.rows(_SQL["indexes"], asked)
            for one in [*links, *indexes]:
                tx.execute(one["away"])
        yield
        _build(owner, indexes)
        with owner.directory() as tx:
            tx.execute(_SQL["much_memory"])
            for statement in [*(one["named"] for one in indexes if one["named"]), *(one["again"] for one in links)]:
                tx.execute(statement)
        tell("keys and links")
    finally:
        owner.close()


def settle_tables(place: Place) -> None:
    """The planner knows the tables as they are now, and nothing is left to be vacuumed while something is measured."""
    tell("vacuum and statistics")
    vacuum(place.urls.owner)


def _build(owner: Database, indexes: Sequence[Row]) -> None:
    def build(one: Row) -> int:
        with owner.directory() as tx:
            tx.execute(_SQL["much_memory"])
            tx.execute(one["again"])
        return 1

    by_two(Stage("indexes", len(indexes)), build, indexes)
