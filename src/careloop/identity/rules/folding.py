"""Folding: names, phones, addresses and dates in a form in which spelling habits no longer tell people apart."""

import re
import unicodedata
from functools import lru_cache

from careloop.identity.model import Address, Demographics

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_SUFFIXES = {
    "jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "iii": "iii", "iv": "iv",
    "2nd": "ii", "3rd": "iii",
}  # fmt: skip
_STREET_WORDS = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd", "court": "ct",
    "av": "ave", "str": "st", "parkway": "pkwy", "apt": "apt", "circuit": "cct", "crescent": "cres", "close": "cl",
    "way": "wy", "trail": "trl", "mount": "mt", "saint": "st", "room": "rm", "number": "no", "floor": "fl",
    "place": "pl", "terrace": "ter", "highway": "hwy", "circle": "cir", "square": "sq", "apartment": "apt",
    "unit": "apt", "suite": "ste", "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_CONFUSED = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE"})
_FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@lru_cache(maxsize=8192)
def fold_name(text: str) -> str:
    """A name in lower-case letters without accents, blanks, hyphens or apostrophes (nicknames stay what they are)."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in plain if letter.isalnum())


def family_and_suffix(person: Demographics) -> tuple[str, str]:
    """The folded family name without Jr, Sr, II, III, IV, and that suffix ('' where none)."""
    words = person.family.replace(",", " ").replace(".", " ").split()
    suffix = _suffix(person.suffix)
    if len(words) > 1 and (found := _suffix(words[-1])):
        return fold_name(" ".join(words[:-1])), suffix or found
    return fold_name(person.family), suffix


def first_given(person: Demographics) -> str:
    """The folded first given name, '' where none."""
    return fold_name(person.given[0].split()[0]) if person.given and person.given[0].split() else ""


def middle(person: Demographics) -> str:
    """The folded second given name, '' where none."""
    words = " ".join(person.given).split()
    return fold_name(words[1]) if len(words) > 1 else ""


def fold_phones(person: Demographics) -> frozenset[str]:
    """Phone numbers as their last ten digits; numbers that are no number (too short, one digit repeated) left out."""
    digits = {"".join(letter for letter in phone if letter.isdecimal())[-10:] for phone in person.phones}
    return frozenset(number for number in digits if len(number) >= 7 and len(set(number)) > 1)


def fold_emails(person: Demographics) -> frozenset[str]:
    """E-mail addresses in lower case."""
    return frozenset(email.strip().casefold() for email in person.emails if "@" in email)


def fold_line(address: Address) -> str:
    """The address line as words in their short postal form; numbers without leading zeros."""
    words = _WORD.findall(unicodedata.normalize("NFKC", address.line).casefold())
    return " ".join(_STREET_WORDS.get(word, word.lstrip("0") or word) for word in words)


def fold_postal(address: Address) -> str:
    """The postal code without its extension, in lower case."""
    return address.postal_code.split("-")[0].replace(" ", "").casefold()


def is_full_date(text: str) -> bool:
    """True for a date that names a day."""
    return _FULL_DATE.fullmatch(text) is not None


_SOUNDS = {**dict.fromkeys("bfpv", "1"), **dict.fromkeys("cgjkqsxz", "2"), **dict.fromkeys("dt", "3"), "l": "4",
           **dict.fromkeys("mn", "5"), "r": "6"}  # fmt: skip


@lru_cache(maxsize=8192)
def sound(name: str) -> str:
    """American Soundex of a folded name (National Archives), '' for a name outside Latin script."""
    if not name or not ("a" <= name[0] <= "z"):
        return ""
    code, last = name[0], _SOUNDS.get(name[0], "")
    for letter in name[1:]:
        digit = _SOUNDS.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "hw":
            last = digit
    return (code + "000")[:4]


def house_number(line: str) -> str:
    """The first word with a digit of a folded address line, without leading zeros."""
    return next((word.lstrip("0") for word in line.split() if any(letter.isdecimal() for letter in word)), "")


def is_suspicious(name: str) -> bool:
    """True where a name holds invisible signs, or letters of more than one of the scripts whose letters look alike
    (UTS #39: Latin, Greek, Cyrillic): a person must look at it."""
    if name.isascii():
        return False
    if any(unicodedata.category(letter) in ("Cf", "Cc", "Co", "Cn") for letter in name):
        return True
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha()}
    return len(scripts & _CONFUSED) > 1 or bool(scripts & {"FULLWIDTH", "MATHEMATICAL"})


def _suffix(text: str) -> str:
    return _SUFFIXES.get(text.strip(" .,").casefold(), "")
