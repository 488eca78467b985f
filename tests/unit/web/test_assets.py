"""Every icon that a screen can show is in the sprite."""

import ast
from pathlib import Path

import careloop.flows.timeline as timeline
from careloop.web.staff import words


def test_every_icon_of_the_timeline_is_in_the_sprite() -> None:
    tree = ast.parse(Path(timeline.__file__).read_text(encoding="utf-8"))
    named = {
        constant.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "icon"
        for constant in ast.walk(node.value)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }
    assert named - {""} <= set(words.ICONS) | set(timeline._OUTPATIENT_ICONS.values())
    assert set(timeline._OUTPATIENT_ICONS.values()) <= set(words.ICONS)
