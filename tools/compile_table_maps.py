"""Writes the HL7 v2-to-FHIR code maps as content: one file per HL7 table.

    python -m tools.compile_table_maps ../shared/data/interchange/hl7v2/v2-to-fhir-maps/codesystems

Reads the CSV maps of the HL7 v2-to-FHIR implementation guide and keeps the facts: which v2 code is which FHIR code. A
row without a v2 code only lists what FHIR has and is left out; one without a FHIR code says that nobody has decided.
"""

import csv
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parent.parent / "src/careloop/content/mappings/hl7v2-tables"
SOURCE = {
    "title": "HL7 v2-to-FHIR implementation guide, concept maps",
    "ref": "github.com/HL7/v2-to-fhir, mappings/codesystems, 2025-10-01 (Apache-2.0)",
    "says": "which v2 code is which FHIR code",
}
CORRECTED = {"http://unitsofmeasure.org/": "http://unitsofmeasure.org"}
"""Addresses that the maps write otherwise than FHIR does."""

Row = dict[str, str]
Table = dict[str, Any]


def read_map(path: Path) -> tuple[str, list[Row]]:
    """The name of one map, and its rows that start from a v2 code."""
    name = re.sub(r"^HL7 Concept Map_ | - Sheet1$", "", path.stem)
    lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    head = next(place for place, line in enumerate(lines) if line and line[0].strip() == "Code")
    columns = [word.strip() for word in lines[head]]
    codes, systems = _places(columns, "Code"), _places(columns, "Code System")
    if len(codes) < 2 or len(systems) < 2 or len(set(columns) & {"Text", "Display"}) < 2:
        return name, []
    wanted = {"from": 0, "table": systems[0], "to": codes[1], "system": systems[1], "display": columns.index("Display")}
    rows = [{key: _cell(line, place) for key, place in wanted.items()} for line in lines[head + 1 :]]
    return name, [row for row in rows if row["from"] and row["table"]]


def _places(columns: list[str], name: str) -> list[int]:
    return [place for place, word in enumerate(columns) if word == name]


def _cell(line: list[str], place: int) -> str:
    return line[place].strip() if place < len(line) else ""


def table_number(text: str) -> str:
    """`0207` of `HL70207`, `HL0207` and `HL7-0354`: the last four digits."""
    return re.sub(r"\D", "", text)[-4:].rjust(4, "0")


def table_of(rows: list[Row]) -> Table:
    """One map as a table: the usual target system, then codes, codes that stay the same, and those without a target."""
    targets: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        targets[row["from"]] += [row] if row["to"] else []
    one = {code: found[0] for code, found in targets.items() if len(found) == 1}
    systems = [CORRECTED.get(row["system"], row["system"]) for row in one.values()]
    table: Table = {}
    if systems:
        table["system"] = max(sorted(set(systems)), key=systems.count)
    table["codes"] = {code: row["to"] for code, row in one.items() if code != row["to"]}
    table["display"] = {row["to"]: row["display"] for code, row in one.items() if code != row["to"] and row["display"]}
    table["same"] = [code for code, row in one.items() if code == row["to"]]
    table["systems"] = {
        code: system for code, system in zip(one, systems, strict=True) if system and system != table["system"]
    }
    table["several"] = {code: [row["to"] for row in found] for code, found in targets.items() if len(found) > 1}
    table["undecided"] = [code for code, found in targets.items() if not found]
    return {key: value for key, value in table.items() if value}


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """One content document for each HL7 table, by its name `hl7nnnn`."""
    found: dict[str, dict[str, Table]] = defaultdict(dict)
    for path in sorted(folder.glob("*.csv")):
        name, rows = read_map(path)
        table = table_of(rows) if rows else {}
        if set(table) - {"undecided"}:
            found[table_number(rows[0]["table"])][name] = table
    return {f"hl7{number}": _document(number, tables) for number, tables in sorted(found.items())}


def _document(number: str, tables: dict[str, Table]) -> dict[str, Any]:
    return {
        "id": f"hl7{number}",
        "version": "1.0.0",
        "status": "active",
        "title": f"HL7 table {number} in the codes of FHIR",
        "kind": "code-maps",
        "sources": [SOURCE],
        "reviewed": None,
        "maps": tables,
    }


def text_of(document: dict[str, Any]) -> str:
    """The document as it is committed."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=118, default_flow_style=None)


def main(folder: Path) -> None:
    """Every file is written anew; files of tables that are gone are removed."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("hl7*.yaml"):
        old.unlink()
    for name, document in documents(folder).items():
        (TARGET / f"{name}.yaml").write_text(text_of(document), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
