"""`careloop content check|test`: is the content whole, what does it say in plain words, and do its cases hold?"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from careloop.assessments import Content as Assessments
from careloop.assessments import cases as assessment_cases
from careloop.assessments import content_of
from careloop.catalog import load_catalog, read_yaml
from careloop.cli.options import add_command, add_common, report, say, settings_of
from careloop.errors import ContentError, Fault
from careloop.longitudinal import Longitudinal, cases, longitudinal_of
from careloop.longitudinal.brief_content import brief_rules_of
from careloop.loops.cases import Content, Report, run_cases
from careloop.loops.describing import in_plain_words
from careloop.loops.keys import key_reader
from careloop.loops.pathways import read_calendar, read_pathways
from careloop.medications import cases as medication_cases
from careloop.medications import reconciliation_cases
from careloop.medications.adherence import Rules as AdherenceRules
from careloop.medications.adherence import rules_of as adherence_rules_of
from careloop.medications.safety_content import Safety, safety_of
from careloop.monitoring import cases as monitoring_cases
from careloop.monitoring.content import Monitoring, monitoring_of

DONE, WRONG = 0, 2


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `content check` and `content test`."""
    group = add_command(
        commands,
        "content",
        says="check content files, read pathways in plain words, run their cases",
        example="careloop content check site-content/",
        run=None,
    ).add_subparsers(metavar="check|test", required=True)
    check = group.add_parser("check", help="all faults of our content and a site's, or every pathway in plain words")
    check.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="a site's content; left out: as configured")
    add_common(check)
    check.set_defaults(run=run_check)
    test = group.add_parser("test", help="run case files (*.cases.yaml) against the content")
    test.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a case file, or a folder of them")
    test.add_argument("--content", type=Path, metavar="DIR", help="a site's content; left out: as configured")
    add_common(test)
    test.set_defaults(run=run_test)


def run_check(arguments: argparse.Namespace) -> int:
    """0 with each active pathway in words; 2 with every fault, each with file and path."""
    folder = arguments.folder or settings_of(arguments).content_dir
    if folder is not None and not folder.is_dir():
        say(f"{folder}: expected a folder")
        return WRONG
    try:
        catalog = load_catalog(folder)
        pathways = read_pathways(catalog).active
        brief_rules_of(catalog)
    except ContentError as error:
        return _faults(arguments, error.faults)
    lines = [line for name in sorted(pathways) for line in (*in_plain_words(pathways[name]), "")]
    report(arguments, {"faults": [], "pathways": sorted(pathways)}, lines)
    return DONE


def _faults(arguments: argparse.Namespace, faults: tuple[Fault, ...]) -> int:
    lines = [f"{fault.at}: expected {fault.expected}" for fault in faults]
    report(arguments, {"faults": [asdict(fault) for fault in faults]}, lines)
    return WRONG


def run_test(arguments: argparse.Namespace) -> int:
    """0 when every case holds; 2 with each that does not, and for files that cannot be read."""
    try:
        catalog = load_catalog(arguments.content or settings_of(arguments).content_dir)
    except ContentError as error:
        return _faults(arguments, error.faults)
    content = Content(pathways=read_pathways(catalog), calendar=read_calendar(catalog), keys=key_reader(catalog))
    beside = (
        longitudinal_of(catalog),
        monitoring_of(catalog),
        safety_of(catalog),
        adherence_rules_of(catalog),
        content_of(catalog),
    )
    outcomes = {str(path): _run_file(path, content, *beside) for path in _case_files(arguments.files)}
    faults = [fault for outcome in outcomes.values() for fault in outcome.faults]
    cases = sum(outcome.cases for outcome in outcomes.values())
    facts = {"files": len(outcomes), "cases": cases, "faults": [asdict(fault) for fault in faults]}
    lines = [f"{fault.at}: expected {fault.expected}" for fault in faults]
    report(arguments, facts, [*lines, f"{cases} cases in {len(outcomes)} files, {len(faults)} not as expected"])
    return WRONG if faults or not cases else DONE


def _case_files(given: list[Path]) -> list[Path]:
    """The files as given, and for a folder every case file below it."""
    return [file for path in given for file in (sorted(path.rglob("*.cases.yaml")) if path.is_dir() else [path])]


def _run_file(
    path: Path,
    content: Content,
    longitudinal: Longitudinal,
    monitoring: Monitoring,
    safety: Safety,
    adherence: AdherenceRules,
    assessments: Assessments,
) -> Report:
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Report(cases=0, faults=(Fault(at=path.name, expected="a case file in YAML that can be read"),))
    if isinstance(document, list) and any(map(cases.is_case, document)):
        return _run_facts(document, path.name, lambda case: cases.run_case(case, longitudinal))
    if isinstance(document, list) and any(map(monitoring_cases.is_case, document)):
        return _run_facts(document, path.name, lambda case: monitoring_cases.run_case(case, monitoring))
    if isinstance(document, list) and any(map(reconciliation_cases.is_case, document)):
        return _run_facts(document, path.name, lambda case: reconciliation_cases.run_case(case, safety.drugs))
    if isinstance(document, list) and any(map(medication_cases.is_case, document)):
        return _run_facts(document, path.name, lambda case: medication_cases.run_case(case, safety, adherence.measure))
    if isinstance(document, list) and any(map(assessment_cases.is_case, document)):
        return _run_facts(document, path.name, lambda case: assessment_cases.run_case(case, assessments))
    return run_cases(document, path.name, content)


def _run_facts(document: list[Any], name: str, run: Callable[[Any], list[Fault]]) -> Report:
    """Cases of folding and contradictions, of home readings, of medicines, of assessments."""
    faults = [
        replace(fault, at=f"{name}: {case.get('case', '') if isinstance(case, dict) else 'no mapping'}")
        for case in document
        for fault in run(case)
    ]
    return Report(cases=len(document), faults=tuple(faults))
