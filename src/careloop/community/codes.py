"""Codes by which partners without accounts answer, and by which paper finds its way back. Pure.

A *link code* is the secret of an address `/p/<code>`. A *sheet code* stands on paper as text and as a QR: a number and
four check letters, `L-1987 K7QX`. Both are made of a random id and the installation's key, so a sheet can be printed
again and no table or dump of it holds a code. Neither says anything of a person.
"""

import re
from base64 import urlsafe_b64encode

LETTERS = "ACDEFGHJKLMNPQRTUVWXY34679"
"""Signs that are not taken for one another on a bad fax: no B and 8, I and 1, O and 0, S and 5, Z and 2."""
CHECK_LETTERS = 4

_LINK = re.compile(r"[A-Za-z0-9_-]{22}")
_SHEET = re.compile(rf"([LS])[\s-]?([1-9][0-9]{{0,11}})[\s-]{{0,2}}([{LETTERS}]{{{CHECK_LETTERS}}})")
_IN_TEXT = re.compile(
    rf"(?<![A-Za-z0-9])([LS])-([1-9][0-9]{{0,11}})[\s-]{{1,2}}([{LETTERS}]{{{CHECK_LETTERS}}})(?![A-Za-z0-9])"
)


def link_code(digest: bytes) -> str:
    """128 bits of a keyed digest as the last part of an address."""
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def check_letters(digest: bytes) -> str:
    """Four letters of a keyed digest."""
    rest, letters = int.from_bytes(digest[:16], "big"), ""
    for _ in range(CHECK_LETTERS):
        rest, place = divmod(rest, len(LETTERS))
        letters += LETTERS[place]
    return letters


def sheet_code(number: str, letters: str) -> str:
    """As it is printed: `L-1987 K7QX`."""
    return f"{number} {letters}"


def plain(typed: str) -> str | None:
    """The one form in which a code is looked up, whatever somebody typed; None for what cannot be a code."""
    text = typed.strip()
    if _LINK.fullmatch(text):
        return text
    found = _SHEET.fullmatch(text.upper())
    return f"{found[1]}-{found[2]} {found[3]}" if found else None


def in_text(text: str) -> list[str]:
    """Sheet codes that stand in a text, each once: the content of a QR, or the text layer of a page."""
    found = (f"{one[1]}-{one[2]} {one[3]}" for one in _IN_TEXT.finditer(text))
    return list(dict.fromkeys(found))


def as_path(code: str) -> str:
    """A code as the last part of an address."""
    return code.replace(" ", "-")
