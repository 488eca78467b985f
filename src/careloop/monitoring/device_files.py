"""Files that home devices and their apps give out (CSV), read by the words in their first line. Pure.

Which columns mean what is content (`content/monitoring/devices.yaml`). A line that cannot be used is told with its
number and why; the others are taken.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from careloop.errors import Rejected
from careloop.monitoring.content import Monitoring

MOST_BYTES, MOST_LINES = 2_000_000, 20_000


@dataclass(frozen=True, kw_only=True)
class ValueRead:
    """One value of a line, as given."""

    metric: str
    value: Decimal
    unit: str


@dataclass(frozen=True, kw_only=True)
class LineRead:
    """One line: its number in the file, when it was measured, its values."""

    number: int
    at: datetime
    values: tuple[ValueRead, ...]


@dataclass(frozen=True, kw_only=True)
class FileRead:
    """A whole file: which device writes such files, its lines, and faults by line."""

    id: str
    name: str
    lines: tuple[LineRead, ...]
    faults: tuple[tuple[int, str], ...]


def read_file(content: bytes, tables: Monitoring, zone: ZoneInfo) -> FileRead:
    """The lines of a device file. `Rejected` for one that is too large, no text, or of no device that is known. A time
    without an offset is the patient's."""
    if len(content) > MOST_BYTES:
        raise Rejected(at="file", expected=f"a file of at most {MOST_BYTES // 1_000_000} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected(at="file", expected="a CSV file (text in UTF-8)") from error
    delimiter = ";" if text[:2000].count(";") > text[:2000].count(",") else ","
    rows = list(csv.reader(StringIO(text), delimiter=delimiter))
    if len(rows) > MOST_LINES:
        raise Rejected(at="file", expected=f"a file of at most {MOST_LINES} lines")
    start, known = _header(rows, tables.devices["files"])
    lines, faults = [], []
    for number, row in enumerate(rows[start + 1 :], start + 2):
        if not any(cell.strip() for cell in row):
            continue
        line = _line(number, dict(zip(_names(rows[start]), row, strict=False)), known, tables.devices, zone)
        if isinstance(line, str):
            faults.append((number, line))
        else:
            lines.append(line)
    return FileRead(id=known["id"], name=known["name"], lines=tuple(lines), faults=tuple(faults))


def _header(rows: Sequence[Sequence[str]], files: Sequence[Mapping[str, Any]]) -> tuple[int, Mapping[str, Any]]:
    """The line with the names of columns (apps write words above it) and the device that has these columns: the one
    whose columns are all there, of several the one with the most."""
    for start, row in enumerate(rows[:20]):
        names = frozenset(_names(row))
        fitting = [one for one in files if _fits(one, names)]
        if fitting:
            return start, max(
                fitting, key=lambda one: sum(_column(value, names) is not None for value in one["values"])
            )
    raise Rejected(at="file", expected="columns of a device that is known: a time and a value with its unit")


def _names(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()).casefold() for cell in row]


def _fits(one: Mapping[str, Any], names: frozenset[str]) -> bool:
    has_time = any(name.casefold() in names for name in one["when"])
    return has_time and all(_column(value, names) is not None or value.get("optional") for value in one["values"])


def _column(value: Mapping[str, Any], names: frozenset[str]) -> str | None:
    return next((name.casefold() for name in value["columns"] if name.casefold() in names), None)


def _line(
    number: int, row: Mapping[str, str], known: Mapping[str, Any], devices: Mapping[str, Any], zone: ZoneInfo
) -> LineRead | str:
    names = frozenset(row)
    when = next((row[name.casefold()] for name in known["when"] if name.casefold() in names), "")
    at = _instant(when, devices["date_formats"], zone)
    if at is None:
        return "a day and a time that can be read"
    values = []
    for value in known["values"]:
        column = _column(value, names)
        text = row.get(column or "", "").strip().replace(",", ".")
        if not text and value.get("optional"):
            continue
        try:
            amount = Decimal(text)
        except InvalidOperation:
            return f"a number in the column {value['columns'][0]}"
        if not amount.is_finite():
            return f"a number in the column {value['columns'][0]}"
        values.append(ValueRead(metric=value["metric"], value=amount, unit=value["unit"]))
    return LineRead(number=number, at=at, values=tuple(values))


def _instant(text: str, formats: Sequence[str], zone: ZoneInfo) -> datetime | None:
    for form in formats:
        try:
            found = datetime.strptime(text.strip().replace("Z", "+0000"), form)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        return found if found.tzinfo is not None else found.replace(tzinfo=zone)
    return None
