"""The levels of `rules/levels.py` said in DuckDB's SQL, and the model that Splink trains and runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.identity.rules.weights import Weights

_CLOSE = (
    "least(length({0}_l), length({0}_r)) >= 3"
    " and (jaro_winkler_similarity({0}_l, {0}_r) >= 0.88 or damerau_levenshtein({0}_l, {0}_r) = 1)"
)
_INITIAL = (
    "(least(length({0}_l), length({0}_r)) = 1 and left({0}_l, 1) = left({0}_r, 1))"
    " or (least(length({0}_l), length({0}_r)) >= 2 and (starts_with({0}_l, {0}_r) or starts_with({0}_r, {0}_l)))"
)
_PART = (
    "least(length(family_l), length(family_r)) >= 3 and (starts_with(family_l, family_r)"
    " or starts_with(family_r, family_l) or ends_with(family_l, family_r) or ends_with(family_r, family_l))"
)
_SWAPPED = "family_l = given_r and family_r = given_l"
_DATES = "length(born_l) = 10 and length(born_r) = 10"
_DAY_AND_MONTH = (
    "left(born_l, 4) = left(born_r, 4) and substr(born_l, 6, 2) = substr(born_r, 9, 2)"
    " and substr(born_l, 9, 2) = substr(born_r, 6, 2)"
)
_ONE_SIGN = (
    "damerau_levenshtein(born_l, born_r) = 1 and (left(born_l, 3) = left(born_r, 3)"
    " or (left(born_l, 2) = left(born_r, 2) and hamming(born_l, born_r) = 2))"
)
_TWO_PARTS = (
    "left(born_l, 3) = left(born_r, 3) and ((left(born_l, 4) = left(born_r, 4))::int"
    " + (substr(born_l, 6, 2) = substr(born_r, 6, 2))::int + (right(born_l, 2) = right(born_r, 2))::int) = 2"
)
_KNOWN_PART = (
    "(length(born_l) < 10 or length(born_r) < 10) and (starts_with(born_l, born_r) or starts_with(born_r, born_l))"
)
_SAME_HOUSE = "(house_l is null or house_r is null or house_l = house_r)"
_ALIKE = "(jaro_winkler_similarity(street_l, street_r) >= 0.9 or words_l = words_r)"
_SHARED_WORDS = "(house_l = house_r and len(list_intersect(words_l, words_r)) * 2 > least(len(words_l), len(words_r)))"
_ONE_OF = "list_has_any({0}_l, {0}_r)"
_SLIPPED = (
    "len(list_filter({0}_l, lambda one: len(list_filter({0}_r,"
    " lambda two: damerau_levenshtein(one, two) = 1)) > 0)) > 0"
)
_SAME_MAILBOX = (
    "len(list_filter({0}_l, lambda one: len(list_filter({0}_r, lambda two: jaro_winkler_similarity(one, two) >= 0.9"
    " or (split_part(one, '@', 1) = split_part(two, '@', 1) and length(split_part(one, '@', 1)) > 4))) > 0)) > 0"
)

SQL_LEVELS: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "family": (
        ("family",),
        (
            ("exact", "family_l = family_r"),
            ("swapped", _SWAPPED),
            ("close", f"({_CLOSE.format('family')}) or ({_PART})"),
            ("former", "list_contains(former_r, family_l) or list_contains(former_l, family_r)"),
        ),
    ),
    "given": (
        ("given",),
        (
            ("exact", "given_l = given_r"),
            ("swapped", _SWAPPED),
            ("nickname", _ONE_OF.format("forms")),
            ("close", _CLOSE.format("given")),
            ("initial", _INITIAL.format("given")),
        ),
    ),
    "middle": (("middle",), (("exact", "middle_l = middle_r"), ("initial", _INITIAL.format("middle")))),
    "suffix": (("suffix",), (("exact", "suffix_l = suffix_r"),)),
    "birth date": (
        ("born",),
        (
            ("exact", f"{_DATES} and born_l = born_r"),
            ("slip", f"{_DATES} and (({_DAY_AND_MONTH}) or ({_ONE_SIGN}))"),
            ("partial", _KNOWN_PART),
            ("near", f"{_DATES} and {_TWO_PARTS}"),
        ),
    ),
    "sex": (("sex",), (("exact", "sex_l = sex_r"),)),
    "phone": (("phones",), (("exact", _ONE_OF.format("phones")), ("close", _SLIPPED.format("phones")))),
    "e-mail": (
        ("emails",),
        (
            ("exact", _ONE_OF.format("emails")),
            ("close", f"({_SLIPPED.format('emails')}) or ({_SAME_MAILBOX.format('emails')})"),
        ),
    ),
    "street": (
        ("street",),
        (
            ("exact", "street_l = street_r"),
            ("close", f"({_ALIKE} and {_SAME_HOUSE}) or {_SHARED_WORDS}"),
            ("near", _ALIKE),
        ),
    ),
    "place": (
        ("postal",),
        (
            ("exact", "postal_l = postal_r"),
            ("close", f"city_l = city_r or ({_CLOSE.format('city')}) or damerau_levenshtein(postal_l, postal_r) = 1"),
        ),
    ),
    "number": (
        ("number",),
        (
            ("exact", "number_kind_l = number_kind_r and number_l = number_r"),
            (
                "slip",
                "number_kind_l = number_kind_r and least(length(number_l), length(number_r)) >= 6"
                " and damerau_levenshtein(number_l, number_r) = 1",
            ),
            (
                "last-four",
                "number_kind_l = number_kind_r and least(length(number_l), length(number_r)) = 4"
                " and (ends_with(number_l, number_r) or ends_with(number_r, number_l))",
            ),
        ),
    ),
}
"""For each field: the columns that must be known, and the levels from the best down; what is none of them differs."""

BLOCKS: Sequence[str] = (
    "l.born = r.born and left(l.given, 1) = left(r.given, 1)",
    "l.born = r.born and l.family_sound = r.family_sound",
    "l.born = r.born and l.postal = r.postal",
    "l.family = r.family and l.given = r.given",
    "l.number_kind = r.number_kind and l.number = r.number",
    "l.phone = r.phone",
    "l.email = r.email",
    "l.street = r.street and l.postal = r.postal",
    "l.family_sound = r.family_sound and l.given_sound = r.given_sound and left(l.born, 4) = left(r.born, 4)",
)
"""Pairs that share none of these are not compared in a batch."""

SESSIONS: Sequence[tuple[str, frozenset[str]]] = (
    ("l.born = r.born and left(l.given, 1) = left(r.given, 1)", frozenset({"birth date", "given"})),
    ("l.family_sound = r.family_sound and l.postal = r.postal", frozenset({"family", "place"})),
    ("l.street = r.street and l.postal = r.postal", frozenset({"street", "place"})),
    ("l.given = r.given and left(l.family, 2) = left(r.family, 2)", frozenset({"given", "family"})),
)
"""Blocks of training, each with the fields that it says nothing about."""


def column_of(field: str) -> str:
    """The name of a field in Splink's tables."""
    return field.replace(" ", "_").replace("-", "")


def settings_of(weights: Weights, fields: Sequence[str] | None = None) -> dict[str, Any]:
    """The model with these weights for Splink, of all fields or of some."""
    wanted = [name for name in SQL_LEVELS if fields is None or name in fields]
    return {
        "link_type": "dedupe_only",
        "probability_two_random_records_match": 2 ** -float(weights.lines.review),
        "comparisons": [_comparison(name, weights) for name in wanted],
        "blocking_rules_to_generate_predictions": list(BLOCKS),
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
        "max_iterations": 15,
    }


def _comparison(field: str, weights: Weights) -> dict[str, Any]:
    columns, levels = SQL_LEVELS[field]
    unknown = " or ".join(f"{column}_{side} is null" for column in columns for side in "lr")
    return {
        "output_column_name": column_of(field),
        "comparison_levels": [
            {"sql_condition": unknown, "label_for_charts": "unknown", "is_null_level": True},
            *(_level(name, sql, field, weights) for name, sql in levels),
            _level("differs", "ELSE", field, weights),
        ],
    }


def _level(name: str, sql: str, field: str, weights: Weights) -> dict[str, Any]:
    known = weights.levels[field][name]
    return {"sql_condition": sql, "label_for_charts": name, "m_probability": known.m, "u_probability": known.u}
