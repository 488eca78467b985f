"""The tool writes what the operators make."""

import json
from pathlib import Path

from tools.write_condition_schema import main

from careloop.loops.rules.conditions import condition_schema


def test_the_file_holds_the_schema_of_the_operators(tmp_path: Path) -> None:
    main(tmp_path / "condition.json")
    assert json.loads((tmp_path / "condition.json").read_text()) == condition_schema()
