"""The command line: its help and its exit status."""

import argparse
import json

import pytest

from careloop.cli import main as main_module
from careloop.cli.main import COMMANDS, build_parser, main
from careloop.cli.options import report
from careloop.errors import NotFound, Rejected, Unavailable


def test_help_shows_every_command_with_an_example() -> None:
    text = build_parser().format_help()
    for name in COMMANDS:
        assert f"  careloop {name} " in text, name


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unavailable("away"), 3), (Rejected(at="--at", expected="an instant"), 2), (NotFound("no such tenant"), 2),
     (KeyboardInterrupt(), 130), (BrokenPipeError(), 0)],
)  # fmt: skip
def test_what_went_wrong_becomes_the_exit_status(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_arguments: argparse.Namespace) -> int:
        raise error

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=fail)
    monkeypatch.setattr(main_module, "build_parser", lambda: parser)
    monkeypatch.setattr(main_module.sys, "stderr", open("/dev/null", "w"))  # noqa: SIM115
    assert main([]) == status


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fly"])
    assert caught.value.code == 2


def test_a_report_as_json_is_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    report(argparse.Namespace(json=True), {"files": 3}, ["3 files"])
    assert json.loads(capsys.readouterr().out) == {"files": 3}


def test_a_report_for_people_is_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report(argparse.Namespace(json=False), {"files": 3}, ["3 files"])
    assert capsys.readouterr().out == "3 files\n"
