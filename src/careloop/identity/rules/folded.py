"""A person made ready for comparison: every field folded, what says nothing left out."""

from dataclasses import dataclass
from datetime import date

from careloop.identity.model import Address, Demographics
from careloop.identity.rules.folding import (
    family_and_suffix,
    first_given,
    fold_emails,
    fold_line,
    fold_name,
    fold_phones,
    fold_postal,
    house_number,
    is_full_date,
    is_suspicious,
    middle,
)
from careloop.identity.rules.weights import Weights

_FIRST_YEAR, _LAST_YEAR = 1880, 2100


@dataclass(frozen=True, kw_only=True)
class Home:
    """One address: the whole line, its house number, the postal code, the city."""

    line: str
    house: str
    postal: str
    city: str


@dataclass(frozen=True, kw_only=True)
class Folded:
    """A person as the comparison sees them; empty is not known or says nothing. `forms` are the full names that the
    given name may stand for; `is_suspicious` that a name holds letters which only look like others."""

    family: str
    given: str
    middle: str
    suffix: str
    forms: frozenset[str]
    former: frozenset[str]
    born: str
    sex: str
    phones: frozenset[str]
    emails: frozenset[str]
    homes: tuple[Home, ...]
    numbers: tuple[tuple[str, str], ...]
    is_twin: bool
    birth_order: str
    is_suspicious: bool


def fold(person: Demographics, weights: Weights) -> Folded:
    """The person, folded once for many comparisons."""
    family, suffix = family_and_suffix(person)
    given = first_given(person)
    if family + given in weights.empty_names or given + family in weights.empty_names:
        family = given = ""
    family, given, second = ("" if one in weights.empty_names else one for one in (family, given, middle(person)))
    return Folded(
        family=family,
        given=given,
        middle=second if given else "",
        suffix=suffix,
        forms=weights.nicknames.get(given, frozenset()),
        former=frozenset(one for one in map(fold_name, person.former) if one and one not in weights.empty_names),
        born=_born(person.birth_date, weights),
        sex=person.sex if person.sex in ("male", "female") else "",
        phones=fold_phones(person) - weights.empty_phones,
        emails=frozenset(one for one in fold_emails(person) if not _is_empty_email(one, weights)),
        homes=tuple(home for home in (_home(one, weights) for one in person.addresses) if home != _NOWHERE),
        numbers=tuple(sorted(_numbers(person, weights))),
        is_twin=person.is_twin,
        birth_order=str(person.birth_order or ""),
        is_suspicious=any(map(is_suspicious, (person.family, *person.given))),
    )


_NOWHERE = Home(line="", house="", postal="", city="")


def _home(address: Address, weights: Weights) -> Home:
    line, city = fold_line(address), fold_name(address.city)
    if any(line.startswith(one) for one in weights.empty_places):
        line = ""
    if city in weights.empty_names or city in weights.empty_places:
        city = ""
    postal = fold_postal(address)
    return Home(line=line, house=house_number(line), postal=postal if postal.strip("09") else "", city=city)


def _born(text: str, weights: Weights) -> str:
    """A date that can be a birth date, at its precision; '' for a placeholder or an impossible one."""
    if text in weights.empty_dates or not text[:4].isdecimal() or not _FIRST_YEAR <= int(text[:4]) <= _LAST_YEAR:
        return ""
    if not is_full_date(text):
        return text if len(text) in (4, 7) else ""
    try:
        date.fromisoformat(text)
    except ValueError:
        return ""
    return text


def _numbers(person: Demographics, weights: Weights) -> set[tuple[str, str]]:
    """System and value without separators; placeholders and scraps of less than four signs left out."""
    found = set()
    for number in person.weak:
        value = "".join(letter for letter in number.value if letter.isalnum()).casefold()
        if len(value) >= 4 and len(set(value)) > 1 and value not in weights.empty_numbers:
            found.add((number.system, value))
    return found


def _is_empty_email(email: str, weights: Weights) -> bool:
    return email in weights.empty_emails or email.partition("@")[0] in weights.empty_emails
