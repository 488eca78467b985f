"""Published views: their rows, and the SQL views over them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from careloop.db import Row, Transaction, load_queries
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.reports")


def replace_rows(tx: Transaction, name: str, sets: Iterable[Sequence[Sequence[Any]]]) -> int:
    """The rows of a view are exactly these; how many there are. One statement a set."""
    tx.lock(f"view {name}")
    tx.execute(_SQL["delete_rows"], {"name": name})
    count = 0
    for rows in sets:
        if rows:
            values = {"name": name, "start": count, "rows": encode(rows).decode().replace("\\u0000", "")}
            tx.execute(_SQL["insert_rows"], values)
            count += len(rows)
    return count


def keep_view(
    tx: Transaction, name: str, resource_type: str, definition: Mapping[str, Any], row_count: int, now: datetime
) -> None:
    """The view is among the published ones."""
    values = {"name": name, "resource_type": resource_type, "row_count": row_count, "now": now}
    tx.execute(_SQL["keep_view"], {**values, "definition": encode(definition).decode()})


def make_sql_view(tx: Transaction, name: str, columns: Sequence[tuple[str, str]]) -> str:
    """The SQL view with these columns and PostgreSQL types; its name with its schema."""
    values = {"name": name, "columns": [title for title, _ in columns], "kinds": [kind for _, kind in columns]}
    return str(tx.value(_SQL["make_sql_view"], values))


def published(tx: Transaction) -> list[Row]:
    """What is published, by name."""
    return tx.rows(_SQL["published_views"])
