"""Is the record what it says it is? Versions without gaps, each told to the feed, the index equal to the bodies."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from careloop.db import Row, Transaction
from careloop.fhir.jsons import decode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import Word, value_hash
from careloop.record import store
from careloop.record.indexing import Indexer, IndexRows
from careloop.record.model import Finding
from careloop.record.zones import Zones

_PAGE = 1000

Lines = set[tuple[Any, ...]]


def verify(
    tx: Transaction, definitions: SearchDefinitions, zones: Zones, *, since: datetime | None = None
) -> list[Finding]:
    """Everything found wrong in the tenant's record; empty when all is well. Reads all of it, page by page; with
    `since` the index is compared only with what was written from then on."""
    found = [
        *_named(tx, "version_gaps", "versions 1 to the current one, each once"),
        *_named(tx, "feed_gaps", "an entry in the change feed for its current version"),
    ]
    counted = tx.one(store.SQL["tokens_counted"])
    if counted is not None and counted["named"] != counted["indexed"]:
        found.append(Finding(at="resource_token", expected="as many tokens as the resources name"))
    indexer, zone, after = Indexer(definitions), zones.of(tx), -1
    while rows := tx.rows(store.SQL["page_of_all"], {"after": after, "since": since, "limit": _PAGE}):
        found += _compare(tx, indexer, zone, rows)
        after = rows[-1]["key"]
    return found


def _named(tx: Transaction, query: str, expected: str, **values: str) -> list[Finding]:
    rows = tx.rows(store.SQL[query], values or None)
    return [Finding(at=f"{row['type']}/{row['id']}", expected=expected) for row in rows]


def _compare(tx: Transaction, indexer: Indexer, zone: tzinfo, rows: Sequence[Row]) -> list[Finding]:
    keys = store.array(row["key"] for row in rows)
    held = _held(tx, keys)
    found = _named(tx, "tokens_missing", "all its tokens in the index", keys=keys)
    words: set[Word] = set()
    for row in rows:
        expected = (
            IndexRows(patient_id=row["patient_id"])
            if row["deleted"]
            else indexer.rows(tx.tenant_id, zone, decode(row["body"]))
        )
        words.update(expected.words)
        same = (
            list(expected.tokens) == sorted(row["tokens"])
            and list(expected.present) == sorted(row["present"])
            and list(expected.references) == row["refs"]
            and row["self"] == value_hash(f"{row['type']}/{row['id']}")
            and expected.patient_id == row["patient_id"]
            and _lines(expected) == held.get(row["key"], set())
        )
        if not same:
            found.append(Finding(at=f"{row['type']}/{row['id']}", expected="an index that says what the resource says"))
    if words and tx.value(store.SQL["words_missing"], store.word_columns(list(words))):
        found.append(Finding(at="resource_word", expected="a row for each text of a coded value"))
    return found


def _held(tx: Transaction, keys: str) -> dict[int, Lines]:
    held: dict[int, Lines] = defaultdict(set)
    for row in tx.rows(store.SQL["index_of_keys"], {"keys": keys}):
        if row["kind"] == "date":
            held[row["key"]].add(("date", row["field"], _micros(row["low"]), _micros(row["high"]), row["shape"]))
        elif row["kind"] == "string":
            held[row["key"]].add(("string", row["field"], row["text"]))
        else:
            number = (row["number"], row["text"] or "", row["dimension"], row["base"])
            held[row["key"]].add(("quantity", row["field"], *number))
    return held


def _lines(expected: IndexRows) -> Lines:
    return {
        *(("date", one.field, _micros(one.low), _micros(one.high), one.shape) for one in expected.dates),
        *(("string", field, text) for field, text in expected.strings),
        *(("quantity", *row) for row in expected.quantities),
    }


def _micros(moment: datetime) -> str:
    return moment.isoformat()
