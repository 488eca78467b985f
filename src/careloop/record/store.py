"""The record's tables: set-wise, one statement for each kind of row whatever the number of resources.

Arrays travel as text (`{1,2,3}`, and lists of texts joined by the record separator, which JSON text cannot contain):
that is the cheapest way through the driver, and row-level security does not allow COPY into a table.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from weakref import WeakSet

from careloop.db import Row, Transaction, load_queries
from careloop.db.exchange import Statement
from careloop.db.transaction import Later
from careloop.errors import PreconditionFailed
from careloop.fhir.tokens import Word, value_hash
from careloop.record.indexing import IndexRows
from careloop.record.model import Stored

SQL = load_queries("careloop.record")

_SEPARATOR = "\x1e"
_BLOCK = 1000
_KNOWN_WORDS = 200_000


@dataclass(frozen=True, slots=True)
class NewVersion:
    """One version about to be written. `text` is None for a deletion; `old_tokens` are those of the version before."""

    key: int
    resource_type: str
    id: str
    version: int
    digest: int
    text: str | None
    index: IndexRows
    change: str
    old_tokens: frozenset[int] = frozenset()


class KeyBlocks:
    """Hands out keys from blocks of 1,000 taken from the database's sequence. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0
        self._end = 0

    def take(self, tx: Transaction, count: int) -> list[int]:
        """`count` keys that nobody else has or will have."""
        with self._lock:
            taken = list(range(self._next, min(self._next + count, self._end)))
            self._next += len(taken)
            while len(taken) < count:
                missing = count - len(taken)
                for row in tx.rows(SQL["next_keys"], {"blocks": -(-missing // _BLOCK)}):
                    self._end = row["block_end"]
                    self._next = min(self._end - _BLOCK + count - len(taken), self._end)
                    taken.extend(range(self._end - _BLOCK, self._next))
            return taken


def joined(values: Iterable[str]) -> str:
    """Texts without control characters as one text, for `string_to_array` on the other side."""
    return _SEPARATOR.join(values)


def array(values: Iterable[object]) -> str:
    """Numbers or instants as an array literal."""
    return "{" + ",".join(map(str, values)) + "}"


def lock_current(tx: Transaction, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """The current rows of these (type, id), locked; missing ones are left out."""
    return by_name(tx.rows(SQL["lock_current"], pairs(references))) if references else {}


def lock_named(tx: Transaction, references: Sequence[tuple[str, str]]) -> Later:
    """The same, as the last of the answers to what leaves with the next thing asked; and the missing ones are held by
    their names until the transaction ends."""
    names = {"names": joined(f"resource {kind}/{own_id}" for kind, own_id in references), "tenant": tx.tenant_id}
    held = Statement(SQL["lock_names"], names)
    return tx.later([held, Statement(SQL["lock_current"], pairs(references))])


def by_name(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """The rows by (type, id)."""
    return {(row["type"], row["id"]): row for row in rows}


def existing(tx: Transaction, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Which of these (type, id) stand in the record, and whether they are deleted."""
    return existing_later(tx, references)()


def existing_later(tx: Transaction, references: Sequence[tuple[str, str]]) -> Callable[[], dict[tuple[str, str], bool]]:
    """The same, asked with what is asked next."""
    if not references:
        return dict
    asked = tx.later([Statement(SQL["existing"], pairs(references))])
    return lambda: {(row["type"], row["id"]): row["deleted"] for row in asked.rows[0]}


def fetch(tx: Transaction, references: Sequence[tuple[str, str]]) -> list[Stored]:
    """Current versions of these (type, id), without deleted ones."""
    if not references:
        return []
    return [stored_of(row) for row in tx.rows(SQL["fetch"], pairs(references))]


def stored_of(row: Row) -> Stored:
    """A row with the columns of `read_current` as a value."""
    return Stored(
        resource_type=row["type"],
        id=row["id"],
        version=row["version"],
        last_updated=row["last_updated"],
        deleted=row["deleted"],
        text=row["body"] or "",
        patient_id=row["patient_id"],
    )


class Words:
    """Which texts the table of words is known to hold; their numbers tell tenants apart, but not the databases that one
    process may use in turn. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: defaultdict[str, set[Word]] = defaultdict(set)
        self._inserting: WeakSet[Transaction] = WeakSet()

    def keep(self, tx: Transaction, words: Iterable[Word]) -> None:
        """Each of the texts leads to its token, with what is asked next. A text counts as known when another
        transaction wrote it: what this one writes may yet be undone."""
        known = self._known[tx.database]
        fresh = sorted({one for one in words if one not in known})
        if not fresh:
            return

        def note(found: list[list[Row]]) -> None:
            if found[0]:
                self._inserting.add(tx)
            elif tx not in self._inserting:
                if len(known) > _KNOWN_WORDS:
                    known.clear()
                known.update(fresh)

        tx.later([Statement(SQL["insert_words"], word_columns(fresh) | {"tenant": tx.tenant_id})], check=note)


WORDS = Words()


def insert(tx: Transaction, now: datetime, versions: Sequence[NewVersion]) -> None:
    """First versions of resources, with their index and feed entries: they leave with what is asked next. `Contended`
    there where somebody else wrote one of them first."""
    if not versions:
        return
    values = _columns(tx, now, versions) | {
        "type": joined(one.resource_type for one in versions),
        "id": joined(one.id for one in versions),
        "self": array(value_hash(f"{one.resource_type}/{one.id}") for one in versions),
    }
    inserted = Statement(SQL["insert_resources"], values)
    tokens = Statement(SQL["insert_tokens"], {name: values[name] for name in ("key", "tokens", "tenant")})
    changes = Statement(SQL["insert_changes"], values | {"change": joined(one.change for one in versions)})
    tx.first_come.add("resource")
    tx.later([inserted, tokens, *_insert_values(tx, versions), changes])
    WORDS.keep(tx, (word for one in versions for word in one.index.words))


def supersede(tx: Transaction, now: datetime, versions: Sequence[NewVersion]) -> None:
    """New versions over locked rows: they leave with what is asked next. `PreconditionFailed` there where one of the
    rows was not at the version before."""
    if not versions:
        return

    def check(found: list[list[Row]]) -> None:
        if len(found[1]) != len(versions):
            raise PreconditionFailed("the resource was changed by somebody else")

    kept = Statement(SQL["keep_superseded"], {"key": array(one.key for one in versions)})
    updated = Statement(SQL["update_resources"], _columns(tx, now, versions))
    tx.later([kept, updated, *_replace_index(tx, versions), _insert_changes(tx, now, versions)], check=check)
    WORDS.keep(tx, (word for one in versions for word in one.index.words))


def read_whole(tx: Transaction, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """The current rows of these (type, id) with texts and index columns; missing ones are left out."""
    return {(row["type"], row["id"]): row for row in tx.rows(SQL["read_whole"], pairs(references))}


def amend(tx: Transaction, now: datetime, versions: Sequence[NewVersion]) -> int:
    """New versions, of which the index says something else by tokens only; the number of rows that were still at the
    version before. Where that is not all of them, the transaction must not be committed."""
    if not versions:
        return 0
    values = {
        "now": now,
        "key": array(one.key for one in versions),
        "version": array(one.version for one in versions),
        "digest": array(one.digest for one in versions),
        "tokens": joined(array(one.index.tokens) for one in versions),
        "body": joined(one.text or "" for one in versions),
    }
    kept = Statement(SQL["keep_superseded"], {"key": values["key"]})
    tokens = [*_delete_tokens(tx, versions), *_insert_tokens(tx, versions)]
    found = tx.ask_all([kept, Statement(SQL["amend_resources"], values), *tokens, _insert_changes(tx, now, versions)])
    WORDS.keep(tx, (word for one in versions for word in one.index.words))
    return len(found[1])


def reindex(tx: Transaction, versions: Sequence[NewVersion]) -> None:
    """The index of locked current versions is what `versions` say; the versions themselves stay as they are."""
    if not versions:
        return
    tx.ask_all([Statement(SQL["reindex_resources"], _index_columns(versions)), *_replace_index(tx, versions)])
    WORDS.keep(tx, (word for one in versions for word in one.index.words))


def pairs(references: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Some (type, id) as the two texts that queries take apart again."""
    return {"types": joined(pair[0] for pair in references), "ids": joined(pair[1] for pair in references)}


def _index_columns(versions: Sequence[NewVersion]) -> dict[str, object]:
    return {
        "key": array(one.key for one in versions),
        "patient_id": joined(one.index.patient_id or "" for one in versions),
        "tokens": joined(array(one.index.tokens) for one in versions),
        "present": joined(array(one.index.present) for one in versions),
        "refs": joined(array(one.index.references) for one in versions),
    }


def _columns(tx: Transaction, now: datetime, versions: Sequence[NewVersion]) -> dict[str, object]:
    return {
        **_index_columns(versions),
        "now": now,
        "tenant": tx.tenant_id,
        "version": array(one.version for one in versions),
        "digest": array(one.digest for one in versions),
        "body": joined(one.text or "" for one in versions),
    }


def _replace_index(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    keys = {"key": array(one.key for one in versions)}
    emptied = [Statement(SQL[name], keys) for name in ("delete_dates", "delete_strings", "delete_quantities")]
    return [*_delete_tokens(tx, versions), *emptied, *_insert_tokens(tx, versions), *_insert_values(tx, versions)]


def _insert_values(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    made = (_insert_dates, _insert_strings, _insert_quantities)
    return [statement for make in made for statement in make(tx, versions)]


def word_columns(words: Sequence[Word]) -> dict[str, object]:
    """The texts as the statements take them."""
    fields, texts, hashes = zip(*words, strict=True)
    return {"field": array(fields), "value": joined(texts), "token": array(hashes)}


def _insert_tokens(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    """Those that the version before had not. The server sorts them: here that was a tenth of an import."""
    fresh = [(one.key, _fresh_tokens(one)) for one in versions]
    values = {
        "key": array(key for key, tokens in fresh if tokens),
        "tokens": joined(array(tokens) for _, tokens in fresh if tokens),
        "tenant": tx.tenant_id,
    }
    return [Statement(SQL["insert_tokens"], values)] if values["tokens"] else []


def _fresh_tokens(one: NewVersion) -> Sequence[int]:
    if not one.old_tokens:
        return one.index.tokens
    return [token for token in one.index.tokens if token not in one.old_tokens]


def _delete_tokens(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    pairs = [(token, one.key) for one in versions for token in one.old_tokens - set(one.index.tokens)]
    if not pairs:
        return []
    tokens, keys = zip(*pairs, strict=True)
    return [Statement(SQL["delete_tokens"], {"token": array(tokens), "key": array(keys)})]


def _insert_dates(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    rows = [(one.key, row) for one in versions for row in one.index.dates]
    if not rows:
        return []
    values = {
        "key": array(key for key, _ in rows),
        "field": array(row.field for _, row in rows),
        "low": array(row.low.isoformat() for _, row in rows),
        "high": array(row.high.isoformat() for _, row in rows),
        "shape": array(row.shape for _, row in rows),
        "tenant": tx.tenant_id,
    }
    return [Statement(SQL["insert_dates"], values)]


def _insert_strings(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    rows = [(one.key, field, text) for one in versions for field, text in one.index.strings]
    if not rows:
        return []
    keys, fields, texts = zip(*rows, strict=True)
    values = {"key": array(keys), "field": array(fields), "value": joined(texts), "tenant": tx.tenant_id}
    return [Statement(SQL["insert_strings"], values)]


def _insert_quantities(tx: Transaction, versions: Sequence[NewVersion]) -> list[Statement]:
    rows = [(one.key, *row) for one in versions for row in one.index.quantities]
    if not rows:
        return []
    keys, fields, numbers, units, dimensions, bases = zip(*rows, strict=True)
    values = {
        "key": array(keys),
        "field": array(fields),
        "value": array(numbers),
        "unit": joined(units),
        "dimension": array("null" if one is None else one for one in dimensions),
        "base": array("null" if one is None else one for one in bases),
        "tenant": tx.tenant_id,
    }
    return [Statement(SQL["insert_quantities"], values)]


def _insert_changes(tx: Transaction, now: datetime, versions: Sequence[NewVersion]) -> Statement:
    values = {
        "now": now,
        "tenant": tx.tenant_id,
        "key": array(one.key for one in versions),
        "version": array(one.version for one in versions),
        "patient_id": joined(one.index.patient_id or "" for one in versions),
        "change": joined(one.change for one in versions),
        "type": joined(one.resource_type for one in versions),
        "id": joined(one.id for one in versions),
    }
    return Statement(SQL["insert_changes"], values)
