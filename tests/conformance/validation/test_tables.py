"""Every profile and every invariant of the tables becomes a rule that runs; the tables are what the tool writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from careloop.fhir import definitions as tables
from careloop.fhir.conformance.handwritten import HANDWRITTEN
from careloop.fhir.conformance.profiles import MISSING, Profiles, Shape, load
from careloop.fhir.definitions import read_table
from careloop.fhir.fhirpath import compile_invariant
from careloop.fhir.validation import Validator

REPOSITORY = Path(__file__).parents[3]
CONTENT = REPOSITORY / "src" / "careloop" / "content" / "definitions"
NAMES = (
    "rules.json",
    "profiles-r4.json",
    "profiles-us-core-3.1.0.json",
    "profiles-us-core-9.0.0.json",
    "profile-valuesets.json",
)


@pytest.mark.shared
def test_the_committed_tables_are_what_the_tool_writes(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "fhir-definitions"
    command = [sys.executable, "-m", "tools.compile_profiles", source, "--content", tmp_path]
    (tmp_path / "definitions").mkdir()
    subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY)
    for name in NAMES:
        assert (tmp_path / "definitions" / name).read_bytes() == (CONTENT / name).read_bytes(), name


def test_the_tables_are_small() -> None:
    assert sum((CONTENT / name).stat().st_size for name in NAMES) < 1_000_000


def test_every_invariant_of_the_base_types_can_be_read() -> None:
    definitions = tables.load()
    for path, row in read_table("definitions", "rules.json")["rules"].items():
        node = path if path in definitions.nodes else path.rpartition(".")[0]
        for key, severity, expression, words in row.get("constraint", ()):
            assert severity in ("error", "warning", "information")
            assert words
            if expression not in HANDWRITTEN and f"{key}: {expression}" not in HANDWRITTEN:
                compile_invariant(expression, node)


def test_every_handwritten_invariant_answers_for_a_text_of_the_tables() -> None:
    rules = read_table("definitions", "rules.json")["rules"].values()
    constraints = [one for row in rules for one in row.get("constraint", ())]
    texts = {one[2] for one in constraints} | {f"{one[0]}: {one[2]}" for one in constraints}
    assert HANDWRITTEN.keys() <= texts


def test_every_profile_becomes_a_rule_that_runs() -> None:
    definitions, validator = tables.load(), Validator.load()
    profiles = load(definitions)
    assert len(list(profiles)) > 540
    judged = 0
    for profile in profiles:
        if profile.type in definitions.resources:
            found = validator.beyond_structure(
                {"resourceType": profile.type}, profiles=[f"{profile.url}|{profile.version}"]
            )
            assert [fault for fault in found if fault.code in ("processing", "not-found")] == []
            judged += 1
    assert judged > 120


def _names_nothing(definitions: tables.Definitions, node: str, shape: Shape) -> list[str]:
    """Elements that a profile names and the type does not have."""
    known = definitions.elements("Element" if node in definitions.primitives else node)
    found = [] if not shape.children else [f"{node}.{name}" for name in shape.children if name not in known]
    for child in (*shape.children.values(), *shape.slices.values()):
        if child.type is not None:
            found += _names_nothing(definitions, child.type, child)
    return found


def test_every_element_that_a_profile_names_exists() -> None:
    definitions = tables.load()
    profiles: Profiles = load(definitions)
    lost = {
        profile.label: lost
        for profile in profiles
        if (lost := _names_nothing(definitions, profile.type, profiles.shape(profile)))
    }
    assert lost == {}


def _undecided(shape: Shape) -> list[str]:
    """Required slices without anything by which they could be known."""
    fixes = shape.fixed is not MISSING or shape.pattern is not MISSING
    return (
        [] if fixes else [name for name, one in shape.slices.items() if not (one.children or one.kinds or _says(one))]
    )


def _says(shape: Shape) -> bool:
    return shape.fixed is not MISSING or shape.pattern is not MISSING or shape.binding is not None


def test_every_slice_of_us_core_says_how_it_is_known() -> None:
    profiles = load(tables.load())
    for profile in profiles:
        if "us/core" in profile.url:
            waiting = [profiles.shape(profile)]
            while waiting:
                shape = waiting.pop()
                assert _undecided(shape) == [], profile.label
                waiting += [*shape.children.values(), *shape.slices.values()]
