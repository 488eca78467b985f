"""No committed file knows the machine that it was written on, nor where packages are downloaded from."""

import re
from collections.abc import Iterator

from tools.tree import Finding, Tree

_PLACES = ("wo" + "rk", "ro" + "ot", "Us" + "ers")
_HOSTS = ("pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com")
_PATH = re.compile(r"(?<![\w.~>-])/(?:" + "|".join(_PLACES) + r"|home/(?!nobody)\w+)/\w")
_HOST = re.compile("|".join(re.escape(one) for one in _HOSTS))
_UNFINISHED = re.compile(r"(#|--|//|<!--)\s*(?:TO" + "DO|FIX" + "ME|XX" + "X)", re.IGNORECASE)
_THIS = "tests/unit/tools/"


def check(tree: Tree) -> Iterator[Finding]:
    """Lines with an absolute path of somebody's machine, a registry host, or unfinished business."""
    for source in tree.files:
        if source.path.startswith(_THIS):
            continue
        for number, line in enumerate(source.text.splitlines(), start=1):
            if len(line) < 5000 and _PATH.search(line):
                yield Finding(source.path, number, "an absolute path of one machine")
            if _HOST.search(line):
                yield Finding(source.path, number, "the host of a package registry")
            if source.path.endswith((".py", ".sql", ".html", ".css", ".js")) and _UNFINISHED.search(line):
                yield Finding(source.path, number, "unfinished business belongs into an issue")
