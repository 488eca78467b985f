"""The committed tables are exactly what our tool makes of the official definitions, and cover all of them."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from careloop.fhir import definitions as tables
from careloop.fhir.searchparameters import SearchDefinitions

pytestmark = pytest.mark.shared

REPOSITORY = Path(__file__).parents[2]
CONTENT = REPOSITORY / "src" / "careloop" / "content"
TABLES = ("definitions/structures.json", "definitions/valuesets.json", "definitions/compartments.json",
          "searchparameters/r4-core.json")  # fmt: skip


def test_the_committed_tables_are_what_the_tool_writes(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "fhir-definitions" / "r4-4.0.1.ndjson.gz"
    tool = REPOSITORY / "tools" / "compile_definitions.py"
    subprocess.run([sys.executable, tool, source, "--content", tmp_path], check=True, capture_output=True)
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (CONTENT / name).read_bytes(), name


def test_no_table_is_larger_than_a_megabyte() -> None:
    for name in TABLES:
        assert (CONTENT / name).stat().st_size < 1_000_000


def test_all_1400_search_parameters_are_offered_or_left_out_with_a_reason(shared: Path) -> None:
    source = shared / "data" / "fhir-definitions" / "r4-4.0.1.ndjson.gz"
    with gzip.open(source, "rt") as lines:
        official = {one["id"]: one for one in map(json.loads, lines) if one["resourceType"] == "SearchParameter"}
    assert len(official) == 1400
    definitions = SearchDefinitions.load()
    offered = {one.definition for kind in tables.load().resources for one in definitions.of(kind).values()}
    unexplained = official.keys() - offered - definitions.left_out.keys()
    assert {name: official[name].get("expression") for name in unexplained} == {}
