"""Runs the project's own rules: `python -m tools.lint`. Exit status 1 when any finds something."""

import sys
from pathlib import Path

from tools.rules import docstrings, locks, logs, machine, mirror, parsers, readmes, sizes, sql, styles
from tools.tree import Finding, Tree

RULES = (sql, locks, logs, readmes, mirror, sizes, parsers, machine, docstrings, styles)


def findings(tree: Tree) -> list[Finding]:
    """What all rules find, by file and line."""
    return sorted((one for rule in RULES for one in rule.check(tree)), key=lambda one: (one.path, one.line, one.says))


def main() -> int:
    """Prints each finding."""
    found = findings(Tree.of(Path(__file__).parents[1]))
    for one in found:
        print(one)
    print(f"{len(found)} findings" if found else "nothing found", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
