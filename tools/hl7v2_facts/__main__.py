"""`python -m tools.hl7v2_facts DIR`: for each message below DIR with an expected bundle, the share of its facts that
our intake says too, and what differs.

DIR is a folder of `.hl7` files with `expected/<template>__<name>-expected.json`, or of pairs `.hl7` and `.fhir`.
`--missing N` sums what is missing most; `--message NAME` shows one message in full; `--exclusions` counts what each
exclusion leaves out.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import yaml

from careloop.errors import CareloopError
from tools.hl7v2_facts import ours
from tools.hl7v2_facts.compare import Result, Rules, compare, load_rules
from tools.hl7v2_facts.extract import extract

STRICT = "other-dialect"
RULES = Path(__file__).parents[2] / "tests" / "conformance" / "hl7v2" / "facts.yaml"


def pairs(folder: Path) -> list[tuple[str, Path, Path]]:
    """Message name, message and expected bundle, in the order of names."""
    expected = {
        path.name.split("__", 1)[1].removesuffix("-expected.json"): path for path in folder.glob("expected/*.json")
    }
    found = [(path.stem, path, expected[path.stem]) for path in folder.glob("*.hl7") if path.stem in expected]
    found += [
        (path.relative_to(folder).with_suffix("").as_posix(), path, path.with_suffix(".fhir"))
        for path in folder.rglob("*.hl7")
        if path.with_suffix(".fhir").exists()
    ]
    return sorted(found)


def measure(folder: Path, suite: str) -> list[Result]:
    """The comparison of every pair below `folder`."""
    rules = load_rules(yaml.safe_load(RULES.read_text(encoding="utf-8")), suite)
    mappings = ours.load()
    return [_measure_one(name, message, bundle, rules, mappings) for name, message, bundle in pairs(folder)]


def _measure_one(name: str, message: Path, bundle: Path, rules: Rules, mappings: ours.Mappings) -> Result:
    document = json.loads(bundle.read_text(encoding="utf-8"))
    expected = extract([entry["resource"] for entry in document.get("entry", ())])
    try:
        found = extract(ours.resources_of(message.read_bytes(), mappings), numbered=True)
    except CareloopError as error:
        result = compare(name, expected, [], rules)
        result.fault = str(error)
        return result
    return compare(name, expected, found, rules, message.read_text(encoding="utf-8", errors="replace"))


def share(results: list[Result], *, counted: str = "") -> float:
    """Found facts of all that count; facts left out as of type `counted` count here too."""
    beside = [found for result in results for rule, found in result.excluded if rule.type == counted]
    expected = sum(result.expected for result in results) + len(beside)
    return (sum(len(result.found) for result in results) + sum(beside)) / expected if expected else 1.0


def main() -> int:
    """Prints the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missing", type=int, default=0)
    parser.add_argument("--values", action="store_true")
    parser.add_argument("--message")
    parser.add_argument("--exclusions", action="store_true", help="how many facts each exclusion leaves out")
    arguments = parser.parse_args()
    results = measure(arguments.folder, arguments.folder.resolve().name)
    if arguments.message:
        results = [result for result in results if arguments.message in result.message]
    for result in results:
        _print(result, full=not arguments.missing)
    said = str if arguments.values else (lambda fact: fact.place)
    missing = Counter(said(fact) for result in results for fact in result.missing)
    for place, count in missing.most_common(arguments.missing):
        print(f"{count:5} {place}")
    if arguments.exclusions:
        _print_exclusions(results)
    found, expected = sum(len(result.found) for result in results), sum(result.expected for result in results)
    excluded = Counter(rule.type for result in results for rule, _ in result.excluded)
    print(
        f"{len(results)} messages, {found} of {expected} facts found ({share(results):.2%}); "
        f"left out: {dict(excluded)}; with what is left out as {STRICT}: {share(results, counted=STRICT):.2%}"
    )
    return 0


def _print_exclusions(results: list[Result]) -> None:
    """Each exclusion with the facts that it leaves out, the most first, and how many of them ours says too."""
    met = Counter((rule.type, rule.reason) for result in results for rule, _ in result.excluded)
    found = Counter((rule.type, rule.reason) for result in results for rule, found in result.excluded if found)
    for (kind, reason), count in met.most_common():
        print(f"{count:6} ({found[kind, reason]} found) {kind}: {reason}")


def _print(result: Result, *, full: bool) -> None:
    print(
        f"{result.message}: {len(result.found)} of {result.expected}"
        + (f", refused: {result.fault}" if result.fault else "")
    )
    for fact in result.missing if full else ():
        print(f"    missing {fact}")


if __name__ == "__main__":
    sys.exit(main())
