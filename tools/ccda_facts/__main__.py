"""`python -m tools.ccda_facts DIR`: a report for each document of a folder that has an `expected` folder."""

import sys
from pathlib import Path

from careloop.catalog import CONTENT, load_catalog
from careloop.intake.ccda import load_ccda
from tools.ccda_facts.comparing import compare_folder, dialect_of


def main(arguments: list[str]) -> int:
    """Prints every fact that was not found and the score; 2 without a folder."""
    if len(arguments) != 1:
        print("usage: python -m tools.ccda_facts DIR", file=sys.stderr)
        return 2
    content = load_ccda(load_catalog(product=CONTENT).documents("ccda"))
    report = compare_folder(Path(arguments[0]), content, dialect_of(content))
    for one in report.scores:
        print("\n".join(one.lines()))
    print(f"all documents: {report.found} of {report.total} facts ({report.share:.1%})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
