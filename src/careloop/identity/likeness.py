"""The one way from content to a comparison: parsed once for each catalog, with a tenant's own lines on top."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

from careloop.catalog import CONTENT, Catalog, read_yaml
from careloop.identity.rules import Likeness, read_weights

_NAMES = ("weights", "names", "placeholders")
_parsed: list[tuple[Catalog, Likeness]] = []


def likeness_of(catalog: Catalog) -> Likeness:
    """The comparison by the weights of this catalog; parsed once, a process has one or a few."""
    for known, likeness in _parsed:
        if known is catalog:
            return likeness
    likeness = Likeness(read_weights({name: catalog.document("matching", name) for name in _NAMES}))
    _parsed[:] = [(catalog, likeness), *_parsed[:3]]
    return likeness


@cache
def shipped_likeness() -> Likeness:
    """The comparison by the weights that ship with the product."""
    texts = {name: (CONTENT / "matching" / f"{name}.yaml").read_text(encoding="utf-8") for name in _NAMES}
    return Likeness(read_weights({name: read_yaml(text) for name, text in texts.items()}))


@cache
def with_lines(likeness: Likeness, review: int) -> Likeness:
    """The same weights with a tenant's own review line; `possible` stays so far below it."""
    lines = likeness.weights.lines
    possible = lines.possible + Decimal(review) - lines.review
    own = replace(lines, review=Decimal(review), possible=possible, certain=max(lines.certain, Decimal(review)))
    return Likeness(replace(likeness.weights, lines=own))
