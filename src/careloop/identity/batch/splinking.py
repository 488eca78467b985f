"""Splink on DuckDB: the weights are trained on rows without anybody's answer, and likely pairs are found in a set."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import json

from careloop.errors import Unavailable
from careloop.identity.batch.model import SESSIONS, SQL_LEVELS, column_of, settings_of
from careloop.identity.batch.rows import COLUMNS, rows_of
from careloop.identity.model import Demographics
from careloop.identity.rules.scoring import Likeness

People = Iterable[tuple[str, Demographics]]

_SAMPLED = 2e6
_LEAST_ROWS = 100
_ERRORS_ONLY = 40


@dataclass(frozen=True, kw_only=True)
class TrainedLevel:
    """What training found for one level; None where too little was seen."""

    field: str
    level: str
    m: float | None
    u: float | None


def train(people: People, likeness: Likeness) -> list[TrainedLevel]:
    """m by expectation maximisation and u by random pairs. `Unavailable` without Splink or with too few people."""
    with _loaded(people, likeness) as (splink, _, table, known):
        linker = splink.Linker(table, settings_of(likeness.weights, known), log_level=_ERRORS_ONLY)
        linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED, seed=1)
        learnt = [_learns_from(linker, block) for block, _ in SESSIONS]
        if not any(learnt):
            raise Unavailable("no two of these people are alike enough to learn from")
        model: Mapping[str, Any] = linker.misc.save_model_to_json()
    return [level for one in model["comparisons"] for level in _levels(one)]


def _learns_from(linker: Any, block: str) -> bool:
    """One session of expectation maximisation; False where no two people share what its block asks for."""
    empty = import_module("splink.internals.exceptions").EMTrainingException
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block, fix_u_probabilities=True, estimate_without_term_frequencies=True
        )
    except empty:
        return False
    return True


def likely_pairs(people: People, likeness: Likeness, least_points: float) -> list[tuple[str, str]]:
    """Pairs whose points by Splink reach `least_points`, each in its one order. `Unavailable` without Splink."""
    with _loaded(people, likeness) as (splink, tables, table, known):
        linker = splink.Linker(table, settings_of(likeness.weights, known), log_level=_ERRORS_ONLY)
        # Splink's weight holds the prior too: the review line is 0 there.
        least = least_points - float(likeness.review)
        found = linker.inference.predict(threshold_match_weight=least)
        rows = tables.columns(found.physical_name, "unique_id_l", "unique_id_r")
        return sorted({(min(left, right), max(left, right)) for left, right in rows})


@contextmanager
def _loaded(people: People, likeness: Likeness) -> Iterator[tuple[Any, "_Tables", Any, list[str]]]:
    """The people in a DuckDB of their own, and the fields that enough of them have."""
    try:
        splink, duckdb = import_module("splink"), import_module("duckdb")
    except ImportError as error:
        raise Unavailable("training and batch matching need the extra `matching` (Splink and DuckDB)") from error
    connection = duckdb.connect(":memory:")
    try:
        tables = _Tables(connection)
        count = tables.fill(people, likeness)
        if count < _LEAST_ROWS:
            raise Unavailable(f"{count} people are too few to compare in a batch")
        api = splink.DuckDBAPI(connection)
        yield splink, tables, api.register(tables.name), tables.known_fields()
    finally:
        connection.close()


class _Tables:
    """The rows in DuckDB."""

    name = "people"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def fill(self, people: People, likeness: Likeness) -> int:
        """The table holds a row for each person; answers how many."""
        count = 0
        with TemporaryDirectory(prefix="careloop-match-") as folder:
            path = Path(folder) / "people.ndjson"
            with path.open("wb") as file:
                for row in rows_of(people, likeness):
                    file.write(json.encode(dict(zip(COLUMNS, row, strict=True))) + b"\n")
                    count += 1
            self._connection.read_json(str(path), columns=dict(COLUMNS), format="newline_delimited").create(self.name)
        return count

    def known_fields(self) -> list[str]:
        """Fields that at least a hundred people have."""
        named = {columns[0] for columns, _ in SQL_LEVELS.values()}
        counts = dict(zip(sorted(named), self._counts(sorted(named)), strict=True))
        return [name for name, (columns, _) in SQL_LEVELS.items() if counts[columns[0]] >= _LEAST_ROWS]

    def columns(self, table: str, *names: str) -> list[tuple[Any, ...]]:
        """These columns of a table."""
        found: list[tuple[Any, ...]] = self._connection.table(table).project(", ".join(names)).fetchall()
        return found

    def _counts(self, names: Sequence[str]) -> tuple[int, ...]:
        """How many rows know each of these columns."""
        counted = self._connection.table(self.name).aggregate(", ".join(f"count({name})" for name in names))
        found: tuple[int, ...] = counted.fetchone()
        return found


def _levels(comparison: Mapping[str, Any]) -> Iterator[TrainedLevel]:
    named = {column_of(name): name for name in SQL_LEVELS}
    field = named[comparison["output_column_name"]]
    for level in comparison["comparison_levels"]:
        if not level.get("is_null_level"):
            yield TrainedLevel(
                field=field,
                level=level["label_for_charts"],
                m=level.get("m_probability"),
                u=level.get("u_probability"),
            )
