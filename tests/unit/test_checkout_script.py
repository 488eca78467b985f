"""The script `careloop` at the root: what it decides before there is an environment."""

import ast
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script() -> ModuleType:
    spec = spec_from_loader("checkout_script", SourceFileLoader("checkout_script", str(ROOT / "careloop")))
    assert spec is not None
    module = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


def test_it_uses_nothing_but_the_standard_library(script: ModuleType) -> None:
    import sys

    tree = ast.parse((ROOT / "careloop").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_is_executable() -> None:
    assert (ROOT / "careloop").stat().st_mode & 0o111
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("joined", [True, False])
def test_an_old_ready_file_is_gone_before_anything_else_happens(
    script: ModuleType, tmp_path: Path, joined: bool
) -> None:
    old = tmp_path / "ready.json"
    old.write_text("{}")
    script.forget_ready_file(["demo", f"--ready-file={old}"] if joined else ["demo", "--ready-file", str(old)])
    assert not old.exists()


def test_packages_of_other_pythons_do_not_get_in(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    given = script.environment()
    assert given["PYTHONPATH"] == str(ROOT / "src")
    assert "PYTHONHOME" not in given


def test_a_changed_lock_file_is_noticed(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "ROOT", tmp_path)
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1")
    before = script.digest([lock])
    lock.write_text("a==2")
    assert script.digest([lock]) != before
