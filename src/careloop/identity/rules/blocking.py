"""Blocking keys: two people are compared only where they share at least one of these."""

from hashlib import blake2b

from careloop.identity.rules.folded import Folded, Home
from careloop.identity.rules.folding import is_full_date, sound


def keys_of(person: Folded) -> frozenset[int]:
    """Signed 64-bit hashes under which this person is looked for. Two wrong fields leave at least one key intact."""
    return frozenset(_hash(kind, *parts) for kind, *parts in _named_keys(person) if all(parts))


def _named_keys(person: Folded) -> list[tuple[str, ...]]:
    family, given = person.family, person.given
    born = person.born if is_full_date(person.born) else ""
    forms = sorted(person.forms) or [given]
    keys: list[tuple[str, ...]] = [
        ("names+born", *sorted((family, given)), born) if given else ("family+born", family, born),
        ("born+initial", born, given[:1]),
        ("born+family", born, sound(family)),
        ("names", family, given),
        ("names+day", family, given, born[5:]),
        ("sounds", *sorted((sound(family), sound(given)))),
        ("names+year", *sorted((sound(family), sound(given))), person.born[:4]),
    ]
    keys += [("forms+month", sound(family), form, person.born[:7]) for form in forms]
    keys += [("phone", phone) for phone in person.phones]
    keys += [("mailbox", email.partition("@")[0]) for email in person.emails]
    keys += [("number", system, value) for system, value in person.numbers]
    return keys + [key for home in person.homes for key in _home_keys(home, family, given, born)]


def _home_keys(home: Home, family: str, given: str, born: str) -> list[tuple[str, ...]]:
    return [
        ("born+place", born, home.postal),
        ("home", home.line, home.postal or home.city),
        ("house+given", home.house, home.postal, given),
        ("house+family", home.house, home.postal, family),
    ]


def _hash(*parts: str) -> int:
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
