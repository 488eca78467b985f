"""Every package folder says on half a page what it is for (layout.md)."""

from collections.abc import Iterator

from tools.tree import Finding, Tree

_LONGEST = 45


def check(tree: Tree) -> Iterator[Finding]:
    """Folders with code but without README, and READMEs that are too long to be read."""
    pages = {one.folder: one for one in tree.files if one.path.endswith("/README.md")}
    folders = {one.folder for one in tree.python("src/careloop/") if one.folder != "src/careloop"}
    for folder in sorted(folders - pages.keys()):
        yield Finding(folder, 1, "a README.md of at most half a page is missing")
    for folder, page in pages.items():
        if folder in folders and page.text.count("\n") > _LONGEST:
            yield Finding(page.path, _LONGEST, f"more than {_LONGEST} lines: half a page is meant")
