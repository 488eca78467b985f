"""Writes `content/schemas/condition.json` from the operators in `careloop.loops.rules.conditions`."""

import json
from pathlib import Path

from careloop.catalog import CONTENT
from careloop.loops.rules.conditions import condition_schema


def main(path: Path = CONTENT / "schemas" / "condition.json") -> None:
    """The schema in content is the one that the operators make."""
    path.write_text(json.dumps(condition_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
