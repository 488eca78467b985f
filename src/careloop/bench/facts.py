"""Copies of the facts that loops of the real path rest on, about other people: stays, care teams, calls.

Each copy is whole: text, digest, index, entry in the feed. The care team of a copy is of whoever owns the loop of that
person; where nobody took it yet, there is none.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from careloop.bench.crowd import Practice, hand
from careloop.bench.filling import Lines, untriggered
from careloop.bench.patterns import Pattern, pattern_of
from careloop.db import load_queries

_SQL = load_queries("careloop.bench", "population.sql")
_NOBODY = "99999999"
"""Digits of a person whom a trial copy is about; nobody has this number."""
_NOBODY_ELSE = "f" * 8 + "-ffff-4fff-8fff-" + "f" * 12


@dataclass(frozen=True, kw_only=True)
class Work:
    """Of which types the facts are copied that so many templates have, and who owns their loops. Two in a hundred of
    each `queue_each` people have loops that nobody took yet: those are with the queue."""

    templates: int
    owners: tuple[str, ...]
    queue: str
    types: tuple[str, ...]
    queue_each: int

    def owner_of(self, number: int) -> str:
        """Who owns the loop of the person with this number: the queue, or all in turn, each with copies of many
        templates."""
        if number >= self.templates and number % self.queue_each < self.queue_each // 50:
            return self.queue
        return self.owners[(number + number // self.templates * 37) % len(self.owners)]


def add(practice: Practice, work: Work, low: int, high: int, key: int) -> None:
    """The facts about the people from `low` up to `high` stand, with keys from `key` on."""
    patterns = _patterns(practice, work)
    lines, members = Lines(practice.tenant_id), dict[str, str]()
    for number in range(low, high):
        template = number % work.templates
        was, owner = (work.owner_of(one) for one in (template, number))
        names = [(f"{template:08d}", f"{number:08d}")]
        if owner != work.queue:
            names.append((was, owner))
            members[f"{number:08d}"] = owner.partition("/")[2]
        for pattern in patterns[template]:
            if pattern.resource_type != "CareTeam" or owner != work.queue:
                lines.add_resource(pattern.copy(key, names, practice.now), practice.now)
                key += 1
    with hand(practice).database.transaction(practice.tenant_id, actor="bench") as tx:
        untriggered(tx)
        lines.write(tx)
        tx.execute(_SQL["add_members"], {"digits": list(members), "practitioners": list(members.values())})


@cache
def _patterns(practice: Practice, work: Work) -> dict[int, list[Pattern]]:
    """By number the patterns of the templates' facts; once in each process."""
    writer, zone = hand(practice), ZoneInfo(practice.zone)
    people = [f"P{number:08d}" for number in range(work.templates)]
    found: dict[int, list[Pattern]] = defaultdict(list)
    with writer.database.transaction(practice.tenant_id, actor="bench") as tx:
        untriggered(tx)
        rows = tx.rows(_SQL["template_facts"], {"types": list(work.types), "patients": people})
    for row in rows:
        number = int(row["patient_id"][1:])
        owner = work.owner_of(number)
        names = [(f"{number:08d}", _NOBODY), (owner, f"Practitioner/{_NOBODY_ELSE}")]
        found[number].append(pattern_of(writer.indexer, practice.tenant_id, zone, row["body"], names))
    return found
