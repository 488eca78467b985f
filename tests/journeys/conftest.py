"""The practice that journeys happen in."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _practice_module():
    name = "careloop_test_practice"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "practice.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def practice(app):
    """A practice of its own for each story."""
    return _practice_module().Practice.open(app)
