"""Passwords: which are taken, how they are kept, how one is checked in the same time whoever asks."""

import secrets
import string
import threading
import unicodedata
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from careloop.errors import Rejected, Unavailable

MINIMUM_LENGTH = 12
"""security.md §4. NIST SP 800-63B-4 §3.1.1.2 asks for 15 where a password is the only factor, 8 beside another."""
MAXIMUM_LENGTH = 256

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""argon2id, 64 MiB, 3 passes, 4 lanes: the second recommended profile of RFC 9106 §4."""
_one_at_a_time = threading.BoundedSemaphore(1)
"""One hash at a time keeps a process within 64 MiB above its usual size, however many people sign in at once."""
_WAIT_SECONDS = 10.0
_LEET = str.maketrans("013457@$!", "oleastasi")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)


def check_new_password(password: str, *, names: tuple[str, ...] = ()) -> None:
    """Nothing happens for a password that may be used; else `Rejected` says what is expected.

    Refused: shorter than 12 or longer than 256 characters, the common ones and their usual variations, rows of the
    keyboard, repetitions, and those built from `names` (the account's and the organisation's).
    """
    plain = _normal(password)
    if not MINIMUM_LENGTH <= len(plain) <= MAXIMUM_LENGTH:
        raise Rejected(at="password", expected=f"{MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters")
    if _is_common(plain.lower(), names):
        raise Rejected(at="password", expected="a password that is not among the first to be guessed")


def hash_password(password: str) -> str:
    """The argon2id hash in PHC form. Takes about 50 ms of two cores and 64 MiB."""
    with _Turn():
        return _hasher.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """True when the password is the one that was hashed. Without a stored hash: the same work, and False."""
    with _Turn():
        try:
            return _hasher.verify(stored or _nobodys_hash(), _normal(password)[:MAXIMUM_LENGTH]) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def new_password() -> str:
    """A random password of 20 letters and digits (119 bits)."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))


class _Turn:
    def __enter__(self) -> None:
        if not _one_at_a_time.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable("too many people sign in at once", retry_after_seconds=5)

    def __exit__(self, *_: object) -> None:
        _one_at_a_time.release()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _is_common(plain: str, names: tuple[str, ...]) -> bool:
    letters = plain.translate(_LEET)
    stems = {_stem(plain), _stem(plain).translate(_LEET), _stem(letters), "".join(filter(str.isalpha, letters))}
    words = _common_words() | {word for name in names for word in _words_of(name)}
    return _is_repetition(plain) or _is_row(plain) or any(_is_made_of(stem, words) for stem in stems)


def _stem(text: str) -> str:
    return text.strip(string.digits + string.punctuation + string.whitespace)


def _words_of(name: str) -> set[str]:
    return {word for word in "".join(c if c.isalpha() else " " for c in name.lower()).split() if len(word) > 2}


def _is_repetition(plain: str) -> bool:
    return any(plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, 5))


def _is_row(plain: str) -> bool:
    """True for keyboard rows and runs of the alphabet, digits at either end left out."""
    stem = _stem(plain) or plain
    return len(stem) > 3 and any(stem in row or stem in row[::-1] for row in _ROWS)


def _is_made_of(stem: str, words: frozenset[str] | set[str]) -> bool:
    """True when nothing is left of the stem after taking common words from its front, longest first."""
    if not stem:
        return True
    rest = stem
    while rest:
        word = next((rest[:size] for size in range(len(rest), 2, -1) if rest[:size] in words), None)
        if word is None:
            return False
        rest = rest[len(word) :].lstrip(string.digits + string.punctuation + string.whitespace)
    return True


@cache
def _common_words() -> frozenset[str]:
    text = (files("careloop.access") / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
