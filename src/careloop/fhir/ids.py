"""Identities: random for new things, derived for things that several messages name alike."""

from hashlib import sha1
from uuid import UUID, uuid4

_NAMESPACE = UUID("6f1c8d1e-58c5-5b0a-9a6c-8f3f2a1d7c40").bytes


def new_id() -> str:
    """A fresh logical id."""
    return str(uuid4())


def derived_id(*parts: str | int) -> str:
    """The same id for the same parts, always. Start `parts` with the tenant id and a word for the kind of thing.

    It is what `uuid5` gives (RFC 9562 §5.5); written out, because a loop is derived with a dozen of them.
    """
    name = "\x1f".join([str(part) for part in parts]).encode()
    digits = sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def is_random(identity: str) -> bool:
    """True for an id such as `new_id` makes."""
    return len(identity) == 36 and identity[14] == "4" and identity.count("-") == 4
