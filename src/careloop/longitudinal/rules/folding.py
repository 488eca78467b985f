"""Facts of several sources about one matter become one line, with every source kept. Pure; no resource is changed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from careloop.longitudinal.content import Folding, FoldingRule
from careloop.longitudinal.model import Fact, Matter
from careloop.longitudinal.rules.keys import keys_of, part_values
from careloop.longitudinal.rules.paths import first, instant_of

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def fold(facts: Iterable[Fact], folding: Folding) -> list[Matter]:
    """Each matter once, whatever the order of the facts. A type without a rule folds nothing."""
    by_rule: dict[int, list[Fact]] = {}
    matters: list[Matter] = []
    for fact in facts:
        rule = folding.rules.get(fact.type)
        if rule is None:
            matters.append(Matter(shown=fact))
        else:
            by_rule.setdefault(id(rule), []).append(fact)
    for some in by_rule.values():
        matters += _fold_types(some, folding.rules[some[0].type], folding)
    return matters


def identity_of(fact: Fact, folding: Folding) -> frozenset[str]:
    """The keys of a fact: two facts that share one are of one matter, unless they state apart what keeps them so."""
    rule = folding.rules.get(fact.type)
    if rule is None:
        return frozenset()
    lines = enumerate(rule.same)
    return frozenset(f"{place}:{key}" for place, line in lines for key in keys_of(fact.resource, line, folding))


def _fold_types(facts: Sequence[Fact], rule: FoldingRule, folding: Folding) -> list[Matter]:
    keys = {fact.reference: identity_of(fact, folding) for fact in facts}
    groups = _connected(sorted(facts, key=lambda fact: fact.reference), keys)
    found: list[Matter] = []
    for group in groups:
        if len(group) == 1:
            found.append(Matter(shown=group[0], keys=keys[group[0].reference]))
            continue
        for cluster in _apart(group, rule, folding) if rule.apart else [group]:
            ordered = sorted(cluster, key=lambda fact: newest_first(fact, rule), reverse=True)
            common = frozenset(key for fact in cluster for key in keys[fact.reference])
            found.append(Matter(shown=ordered[0], also=tuple(ordered[1:]), keys=common))
    return found


def newest_first(fact: Fact, rule: FoldingRule) -> tuple[datetime, datetime, str]:
    """By what is newer: told later, then dated later."""
    told = max((at for one in fact.sources if (at := instant_of(one.at))), default=None)
    dated = instant_of(first(fact.resource, rule.dated)) or _LONG_AGO
    return told or dated, dated, fact.reference


def _connected(facts: Sequence[Fact], keys: dict[str, frozenset[str]]) -> list[list[Fact]]:
    """Facts that share a key, also by way of a third, together."""
    parent = list(range(len(facts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    holder: dict[str, int] = {}
    for place, fact in enumerate(facts):
        for key in keys[fact.reference]:
            known = holder.setdefault(key, place)
            parent[root(place)] = root(known)
    groups: dict[int, list[Fact]] = {}
    for place, fact in enumerate(facts):
        groups.setdefault(root(place), []).append(fact)
    return list(groups.values())


def _apart(group: Sequence[Fact], rule: FoldingRule, folding: Folding) -> list[list[Fact]]:
    """Facts that state something differently are parted; one that states nothing joins the largest part."""
    stated = {fact.reference: [part_values(fact.resource, part, folding) for part in rule.apart] for fact in group}
    telling = [fact for fact in group if any(stated[fact.reference])]
    silent = [fact for fact in group if not any(stated[fact.reference])]
    clusters: list[tuple[list[frozenset[str]], list[Fact]]] = []
    for fact in sorted(telling, key=lambda one: (-sum(map(bool, stated[one.reference])), one.reference)):
        mine = stated[fact.reference]
        for known, members in clusters:
            if all(not a or not b or a & b for a, b in zip(known, mine, strict=True)):
                members.append(fact)
                known[:] = [a | b for a, b in zip(known, mine, strict=True)]
                break
        else:
            clusters.append((list(mine), [fact]))
    parts = [members for _, members in clusters]
    if not parts:
        return [silent]
    max(parts, key=lambda members: (len(members), members[0].reference)).extend(silent)
    return parts
