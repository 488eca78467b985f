"""Rules that points cannot overrule: who is never joined by the machine, and who is not even asked about.

Twins share birth date, family name and address; parents and children share names and address; a household shares its
phone. Letters that only look alike, values that say nothing and contradictions go to a person.
"""

from collections.abc import Mapping

from careloop.identity.model import Ceiling
from careloop.identity.rules.folded import Folded
from careloop.identity.rules.levels import CLOSE_LEVEL, DIFFERS, EXACT, NICKNAME, PARTIAL, UNKNOWN

_SURE_GIVEN = (EXACT, NICKNAME)
_GENERATION = 12
"""Parent and child are at least so many years apart."""


def ceiling_of(found: Mapping[str, str], left: Folded, right: Folded) -> tuple[Ceiling, str | None]:
    """How far this pair may rise whatever agrees, and why not further. `found` needs family, given, suffix, birth date
    and number; the rest is read where it is there."""
    apart = _apart(found, left, right)
    if apart is not None:
        return (Ceiling.ASK if _number_speaks(found, left, right) else Ceiling.APART), apart
    ask = _ask(found, left, right)
    return (Ceiling.NONE, None) if ask is None else (Ceiling.ASK, ask)


def _number_speaks(found: Mapping[str, str], left: Folded, right: Folded) -> bool:
    """A number of their own agrees, so that a person should look; two different places in a multiple birth are two
    people all the same."""
    return found["number"] == EXACT and not _differ(left.birth_order, right.birth_order)


def _one_generation(left: Folded, right: Folded) -> bool:
    """Too close in age for parent and child."""
    return abs(int(left.born[:4]) - int(right.born[:4])) < _GENERATION


def _named_alike(found: Mapping[str, str]) -> bool:
    """Too alike in name for brothers and sisters."""
    return found["given"] in _SURE_GIVEN and found["family"] in (EXACT, CLOSE_LEVEL)


def _differ(left: str, right: str) -> bool:
    return bool(left and right and left != right)


def _apart(found: Mapping[str, str], left: Folded, right: Folded) -> str | None:
    if _differ(left.birth_order, right.birth_order):
        return "twins: another place in a multiple birth"
    if found["given"] == DIFFERS:
        return "given names differ: household members share the rest"
    if found["birth date"] == DIFFERS and not (_one_generation(left, right) and _named_alike(found)):
        return "birth dates differ: parent and child may share the rest"
    if found["suffix"] == DIFFERS:
        return "suffixes differ: parent and child"
    return None


def _ask(found: Mapping[str, str], left: Folded, right: Folded) -> str | None:
    """Why a person must look before these two are joined."""
    if left.is_suspicious or right.is_suspicious:
        return "a name holds letters that only look like others"
    if UNKNOWN in (found["family"], found["given"]):
        return "a name is not known"
    if found["birth date"] in (UNKNOWN, PARTIAL):
        return "a birth date is not known to the day"
    if found["number"] not in (UNKNOWN, EXACT):
        return "their numbers differ"
    return _ask_alike(found, left, right)


def _ask_alike(found: Mapping[str, str], left: Folded, right: Folded) -> str | None:
    if found["family"] == DIFFERS:
        return "family names differ"
    if found.get("sex") == DIFFERS:
        return "sex differs"
    if found["given"] not in _SURE_GIVEN:
        return "given names are only alike: names of twins rhyme"
    if found["family"] != EXACT:
        return "family names are only alike"
    if found["birth date"] != EXACT:
        return "birth dates are only alike"
    if found["number"] == EXACT:
        return None
    return None if _corroborated(found) else "nothing but name and birth date agrees: people share both"


def _corroborated(found: Mapping[str, str]) -> bool:
    """Something agrees that strangers of one name and birth date do not share."""
    return any(found.get(name) in (EXACT, "close") for name in ("street", "phone", "e-mail"))
