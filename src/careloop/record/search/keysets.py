"""Sets of resource keys in the index tables: as a select, and as a test of one key."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.record.search.sql import Sql, all_of, chain, joined

_CODES = "resource_token as token"


@dataclass(frozen=True, slots=True)
class KeyTest:
    """A table of the index with its name in the query, and what must hold for a row of it."""

    table: str
    name: str
    where: Sql

    def select(self) -> Sql:
        """The keys of the rows for which it holds."""
        return chain(f"select {self.name}.key from {self.table} where", self.where)  # noqa: S608 - names from code

    def probe(self, key: str) -> Sql:
        """True where one row with that key satisfies it. A subquery with a limit stays what it is: it is asked key by
        key, whatever the planner believes about its size."""
        same = f"and {self.name}.key = {key} limit 1)"
        return chain(f"(select true from {self.table} where", self.where, same)  # noqa: S608 - names from code


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of `select`. `tests` say the same of one key, all of them; without any only the select does.

    `narrow`: there are few keys, whatever the size of the record. `single`: one token, so each key once and in order.
    """

    select: Sql
    tests: tuple[KeyTest, ...] = ()
    narrow: bool = False
    single: bool = False
    driver: Sql | None = None
    """Of tokens, the condition on a row under the name `driver`, whose key other conditions are asked of."""

    @property
    def tokens(self) -> bool:
        """True for tokens, which carry the type and go with a deletion."""
        return len(self.tests) == 1 and self.tests[0].table == _CODES

    def within(self, key: str) -> Sql:
        """True where the key is in the set, in the form that lets the planner begin with the set."""
        return chain(f"{key} in (", self.select, ")")

    def leading(self, key: str, others: Sequence["KeySet"]) -> Sql:
        """True where the key is in this small set, and in all others, which are asked of each of its keys: another
        set of tokens for all keys at once, in one walk along its index (a fifth of the cost of one look for each)."""
        if self.driver is None:
            return all_of([self.within(key), *(one.probe(key) for one in others)])
        second = next((one for one in others if one.driver is not None), None)
        if second is None or second.driver is None:
            asked = all_of([self.driver, *(one.probe("driver.key") for one in others)])
        else:
            both = [second.driver, chain("driver.key = any(array(", self.select, "))")]
            asked = all_of([*both, *(one.probe("driver.key") for one in others if one is not second)])
        opening = f"{key} in (select driver.key from resource_token as driver where"  # noqa: S608 - names from code
        return chain(opening, asked, ")")

    def probe(self, key: str) -> Sql:
        """The same in the form that looks at one key."""
        return all_of(test.probe(key) for test in self.tests) if self.tests else self.within(key)


def of_test(test: KeyTest) -> KeySet:
    """The set of one test."""
    return KeySet(test.select(), (test,))


def of_tokens(hashes: Sequence[int], *, narrow: bool = False) -> KeySet:
    """The keys that carry one of the tokens."""
    single = len(hashes) == 1
    same = Sql("= %s", (hashes[0],)) if single else Sql("= any(%s::bigint[])", (list(hashes),))
    test = KeyTest(_CODES, "token", chain("token.token", same))
    return KeySet(test.select(), (test,), narrow=narrow, single=single, driver=chain("driver.token", same))


def of_selects(selects: Sequence[Sql], tests: Sequence[KeyTest] = (), *, narrow: bool = False) -> KeySet:
    """The keys of any of the selects; `tests` say the same of one key."""
    return KeySet(joined(" union all ", selects), tuple(tests), narrow=narrow)
