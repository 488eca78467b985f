"""Blocking keys: two people are compared only where they share at least one of these."""

from hashlib import blake2b

from careloop.identity.model import Demographics
from careloop.identity.rules.folding import (
    family_and_suffix,
    first_given,
    fold_emails,
    fold_line,
    fold_phones,
    fold_postal,
    is_full_date,
    sound,
)


def blocking_keys(person: Demographics) -> frozenset[int]:
    """Signed 64-bit hashes under which this person is looked for. One wrong field leaves at least one key intact."""
    return frozenset(_hash(kind, *parts) for kind, *parts in _named_keys(person) if all(parts))


def _named_keys(person: Demographics) -> list[tuple[str, ...]]:
    family, _ = family_and_suffix(person)
    given = first_given(person)
    born = person.birth_date if is_full_date(person.birth_date) else ""
    keys: list[tuple[str, ...]] = [
        ("names+born", *sorted((family, given)), born) if given else ("family+born", family, born),
        ("born+initial", born, given[:1]),
        ("sounds+year", sound(family), sound(given), person.birth_date[:4]),
        ("names", family, given) if not born else ("names+day", family, given, born[5:]),
    ]
    keys += [("phone+initial", phone, given[:1]) for phone in fold_phones(person)]
    keys += [("born+place", born, fold_postal(home)) for home in person.addresses]
    keys += [("email", email) for email in fold_emails(person)]
    keys += [("place+given", fold_line(home), fold_postal(home), given) for home in person.addresses]
    keys += [("number", number.system, number.value) for number in person.weak]
    return keys


def _hash(*parts: str) -> int:
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
