"""Tests mirror the code: a folder of tests is named like the folder that it tests (layout.md)."""

from collections.abc import Iterator

from tools.tree import Finding, Tree

_OTHERS = {"tools"}


def check(tree: Tree) -> Iterator[Finding]:
    """Folders of unit and integration tests that have no twin under `src/careloop`."""
    code = {one.folder.removeprefix("src/careloop").lstrip("/") for one in tree.python("src/careloop/")}
    for source in tree.python("tests/unit/", "tests/integration/"):
        twin = source.folder.split("/", 2)[2] if source.folder.count("/") >= 2 else ""
        if twin not in code and twin.split("/")[0] not in _OTHERS:
            yield Finding(source.path, 1, f"there is no folder src/careloop/{twin} that these tests mirror")
