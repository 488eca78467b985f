"""Identities: random for new things, derived for things that several messages name alike."""

from uuid import UUID, uuid4, uuid5

_NAMESPACE = UUID("6f1c8d1e-58c5-5b0a-9a6c-8f3f2a1d7c40")


def new_id() -> str:
    """A fresh logical id."""
    return str(uuid4())


def derived_id(*parts: str | int) -> str:
    """The same id for the same parts, always. Start `parts` with the tenant id and a word for the kind of thing."""
    return str(uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts)))


def is_random(identity: str) -> bool:
    """True for an id such as `new_id` makes."""
    return len(identity) == 36 and identity[14] == "4" and identity.count("-") == 4
