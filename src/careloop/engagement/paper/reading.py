"""A file of pages is looked at: what kind it is, its page images, the codes on them. The work is done in `child`."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from careloop.engagement.paper.model import JPEG, MOST_BYTES, MOST_PAGES, PDF, TIFF, Looked, Page
from careloop.errors import Rejected, Unavailable

_SECONDS = 60
_CHILD = "careloop.engagement.paper.child"
_ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[3])}
"""All that the process knows of ours: where the code is. No address, no key."""
_WHY: Final = {
    "locked": "a PDF that opens without a password",
    "pages": f"at most {MOST_PAGES} pages; send it in parts",
    "size": "pages of a usual size",
    "empty": "at least one page",
}
_UNREADABLE = "a PDF, TIFF or JPEG that can be read; this one is broken"


def type_of(content: bytes) -> str:
    """What kind of file these bytes are, by their beginning and not by their name; `Rejected` for any other."""
    if len(content) > MOST_BYTES:
        raise Rejected(at="file", expected=f"at most {MOST_BYTES // 1_000_000} MB; send it in parts", code="too-long")
    if b"%PDF-" in content[:1024]:
        return PDF
    if content[:4] in (b"II*\0", b"MM\0*"):
        return TIFF
    if content[:3] == b"\xff\xd8\xff":
        return JPEG
    raise Rejected(at="file", expected="a PDF, a TIFF or a JPEG", code="not-supported")


def look(content: bytes) -> list[Looked]:
    """Each page with its image, its codes, its text; `Rejected` says why a file cannot be used."""
    answer = _child(["look", type_of(content)], content)
    line, _, images = answer.partition(b"\n")
    pages, start = [], 0
    for one in json.loads(line):
        image = images[start : start + one["size"]]
        start += one["size"]
        pages.append(Looked(image=image, codes=tuple(one["codes"]), turn=one["turn"], text=one["text"]))
    return pages


def cut(content: bytes, pages: Sequence[Page]) -> bytes:
    """A PDF of these pages alone, each turned as it says."""
    wanted = json.dumps([[one.page, one.turn] for one in pages])
    return _child(["cut", type_of(content), wanted], content)


def _child(arguments: list[str], content: bytes) -> bytes:
    command = [sys.executable, "-m", _CHILD, *arguments]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=_SECONDS, check=False, env=_ENVIRONMENT
        )
    except subprocess.TimeoutExpired:
        raise Rejected(at="file", expected=_UNREADABLE) from None
    except OSError as error:
        raise Unavailable("no process can be started to read the file") from error
    if done.returncode:
        raise Rejected(at="file", expected=_WHY.get(done.stderr.decode(errors="replace").strip(), _UNREADABLE))
    return done.stdout
