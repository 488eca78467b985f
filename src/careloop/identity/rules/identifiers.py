"""Which identifiers name a person, when two of them are the same, and when they only look the same.

Two identifiers are the same when system and value are equal after NFC and trimming; case is kept (security.md §1).
What merely looks the same (UTS #39: confusable letters, zero-width and bidi characters) is shown to a person.
"""

import re
import unicodedata
from collections.abc import Iterable

from careloop.identity.model import Identifier

WEAK_TYPES = frozenset(
    ["SS", "DL", "PPN", "PRC", "MC", "MCD", "MA", "MB", "SN", "HC", "NH", "BRN", "BR", "EI", "EN", "TAX", "CZ", "MI"]
)
"""HL7 table 0203 types that say something about a person but never join alone: a number that families share, that
people lend, mistype or were given twice (SSA: SSNs were reissued and are often misreported). See
docs/clarifications/identity.md."""

NOT_A_PERSON = frozenset(
    ["AN", "VN", "VS", "ANON", "ANC", "AND", "ANT", "BA", "BC", "DFN", "FILL", "PLAC", "XX", "PCN", "ACSN", "RI"]
)
"""Types that number an account, a visit, an order or nobody: they are kept on the resource and never looked at here."""

_WEAK_SYSTEMS = (
    "http://hl7.org/fhir/sid/us-ssn",
    "urn:oid:2.16.840.1.113883.4.1",
    "urn:oid:2.16.840.1.113883.4.3",
    "urn:oid:2.16.840.1.113883.4.330",
    "http://hl7.org/fhir/sid/us-medicare",
    "http://hl7.org/fhir/sid/us-mbi",
    "http://standardhealthrecord.org/fhir/StructureDefinition/passportNumber",
)

LONGEST = 200
"""A value longer than this is no identifier that a person was given; it is kept on the resource only."""

_CONFUSABLE = str.maketrans(
    {
        "0": "o",
        "1": "l",
        "i": "l",
        "|": "l",
        "а": "a",
        "в": "b",
        "с": "c",
        "е": "e",
        "н": "h",
        "і": "l",
        "ї": "l",
        "ј": "j",
        "к": "k",
        "м": "m",
        "о": "o",
        "р": "p",
        "ѕ": "s",
        "т": "t",
        "х": "x",
        "у": "y",
        "ԁ": "d",
        "ԛ": "q",
        "ԝ": "w",
        "г": "r",
        "ё": "e",
        "α": "a",
        "β": "b",
        "ε": "e",
        "η": "n",
        "ι": "l",
        "κ": "k",
        "μ": "m",
        "ν": "v",
        "ο": "o",
        "ρ": "p",
        "τ": "t",
        "υ": "u",
        "χ": "x",
        "ζ": "z",
        "γ": "y",
        "ϲ": "c",
        "‐": "-",
        "‑": "-",
        "‒": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "﹣": "-",
        "－": "-",
        "⁃": "-",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
        "⁄": "/",
        "∕": "/",
        "․": ".",
        "。": ".",
    }
)


def clean(value: str) -> str:
    """The value in NFC without white space at its ends; nothing else is changed."""
    return unicodedata.normalize("NFC", value).strip()


def skeleton(value: str) -> str:
    """What the value looks like to an eye: equal for values that a person could mistake for each other."""
    visible = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", value)
        if unicodedata.category(letter) not in ("Cf", "Cc", "Mn", "Zs") and letter != "\u3164"
    )
    return visible.casefold().translate(_CONFUSABLE)


def is_weak(identifier: Identifier) -> bool:
    """True for a number that is evidence about a person but never joins two records alone."""
    return identifier.type in WEAK_TYPES or identifier.system.startswith(_WEAK_SYSTEMS)


def says_nothing(identifier: Identifier) -> bool:
    """True for what a desk writes when it has no number: a word for unknown, and in a national number one digit
    repeated (999-99-9999). Such a value names nobody; a record number is vouched for by who assigned it."""
    weak = is_weak(identifier)
    if not weak and _DIGIT.search(identifier.value):
        return False
    signs = "".join(letter for letter in identifier.value.casefold() if letter.isalnum())
    if signs in _NO_NUMBER or not signs:
        return True
    return weak and len(signs) >= _REPEATED and len(set(signs)) == 1


_NO_NUMBER = frozenset(
    ["unknown", "unk", "none", "na", "notavailable", "notgiven", "null", "missing", "refused", "temp"]
)
_REPEATED = 4
_DIGIT = re.compile(r"\d")


def joins(identifier: Identifier) -> bool:
    """True for a number that names one person within its system: a medical record number, a master patient index
    number, a payer-neutral national patient number, or a number whose type the sender left out."""
    return (
        bool(identifier.system)
        and bool(clean(identifier.value))
        and len(identifier.value) <= LONGEST
        and not says_nothing(identifier)
        and identifier.type not in NOT_A_PERSON
        and not is_weak(identifier)
    )


def splits(identifiers: Iterable[Identifier]) -> tuple[list[Identifier], list[Identifier]]:
    """The identifiers that join, and the weak ones, both cleaned and each once, in their order."""
    strong: dict[tuple[str, str], Identifier] = {}
    weak: dict[tuple[str, str], Identifier] = {}
    for given in identifiers:
        one = Identifier(system=clean(given.system), value=clean(given.value), type=given.type)
        if joins(one):
            strong.setdefault((one.system, one.value), one)
        elif one.system and len(one.value) <= LONGEST and is_weak(one) and not says_nothing(one):
            weak.setdefault((one.system, one.value), one)
    return list(strong.values()), list(weak.values())
