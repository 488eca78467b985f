"""Rows of a view as a file: Parquet, NDJSON or CSV."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from careloop.errors import Rejected
from careloop.fhir.jsons import encode
from careloop.fhir.viewdefinition import Column, View
from careloop.fhir.viewdefinition.model import Row
from careloop.fhir.viewdefinition.values import INTEGERS

Format = Literal["parquet", "ndjson", "csv", "json"]
FORMATS: tuple[str, ...] = get_args(Format)
MEDIA_TYPES: dict[str, str] = {
    "parquet": "application/vnd.apache.parquet",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PARQUET = {"boolean": "BOOLEAN", "decimal": "DOUBLE", "instant": "VARCHAR"}


def chunks(view: View, sets: Iterable[Sequence[Row]], form: str, *, header: bool = True) -> Iterator[bytes]:
    """The rows as bytes of a file, set by set (Parquet: at once, when all rows are known)."""
    if form == "ndjson":
        yield from _ndjson(view, sets)
    elif form == "csv":
        yield from _csv(view, sets, header=header)
    elif form == "json":
        yield from _json(view, sets)
    elif form == "parquet":
        yield _parquet(view, sets)
    else:
        raise Rejected(at="_format", expected="one of " + ", ".join(FORMATS), code="not-supported")


def write_file(view: View, sets: Iterable[Sequence[Row]], form: str, path: Path) -> None:
    """The file holds all rows. It appears under its name when it is complete."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        for chunk in chunks(view, sets, form):
            file.write(chunk)
    unfinished.replace(path)


def _named(view: View, row: Row) -> dict[str, Any]:
    return dict(zip((column.name for column in view.columns), row, strict=True))


def _ndjson(view: View, sets: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    for rows in sets:
        if rows:
            yield b"\n".join(encode(_named(view, row)) for row in rows) + b"\n"


def _json(view: View, sets: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    yield b"["
    is_first = True
    for rows in sets:
        if rows:
            yield (b"" if is_first else b",\n") + b",\n".join(encode(_named(view, row)) for row in rows)
            is_first = False
    yield b"]"


def _csv(view: View, sets: Iterable[Sequence[Row]], *, header: bool) -> Iterator[bytes]:
    if header:
        yield _lines([[column.name for column in view.columns]])
    for rows in sets:
        if rows:
            yield _lines([[_cell(value) for value in row] for row in rows])


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """A cell as text. Text that a spreadsheet would run as a formula gets a `'` in front (security.md §5)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA) else value
    return encode(value).decode() if isinstance(value, list | dict) else str(value)


def _parquet(view: View, sets: Iterable[Sequence[Row]]) -> bytes:
    """A Parquet file. DuckDB makes it of NDJSON in a folder that is gone afterwards; it may load nothing else."""
    with tempfile.TemporaryDirectory(prefix="careloop-view-") as name:
        folder = Path(name)
        source, target = folder / "rows.ndjson", folder / "rows.parquet"
        with source.open("wb") as file:
            for chunk in _ndjson(view, (_flat(view, rows) for rows in sets)):
                file.write(chunk)
        columns = {column.name: _parquet_type(column) for column in view.columns}
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": "1",
        }
        with import_module("duckdb").connect(":memory:", config=config) as connection:  # 30 MB that few processes need
            rows = connection.read_json(str(source), columns=columns, format="newline_delimited")
            rows.write_parquet(str(target), compression="zstd")
        return target.read_bytes()


def _flat(view: View, rows: Sequence[Row]) -> list[Row]:
    """Rows in which elements with parts are JSON text, as their columns are in Parquet."""
    complex_places = [place for place, column in enumerate(view.columns) if _is_json(column)]
    if not complex_places:
        return list(rows)
    return [
        tuple(_as_text(value) if place in complex_places else value for place, value in enumerate(row)) for row in rows
    ]


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return value if value is None or isinstance(value, str) else encode(value).decode()


def _is_json(column: Column) -> bool:
    return column.type is None or column.type[:1].isupper()


def _parquet_type(column: Column) -> str:
    kind = "INTEGER" if column.type in INTEGERS else _PARQUET.get(column.type or "", "VARCHAR")
    return f"{kind}[]" if column.is_collection else kind
