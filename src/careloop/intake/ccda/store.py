"""Documents in the inbox: durable with what became of them, each content once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from careloop.db import Row, Transaction, load_queries
from careloop.fhir.jsons import encode

SQL = load_queries("careloop.intake.ccda")


def find_document(tx: Transaction, raw: bytes) -> Row | None:
    """The inbox row of a document with these bytes that was taken before."""
    return tx.one(SQL["find_document"], {"digest": hashlib.sha256(raw).digest()})


def keep_document(tx: Transaction, now: datetime, raw: bytes, source: str, sender: str) -> int | None:
    """The document is in the inbox; its row's id, None where another transaction was first."""
    digest = hashlib.sha256(raw).digest()
    tx.execute(SQL["settle_dead"], {"digest": digest, "now": now})
    values = {"digest": digest, "raw": raw, "now": now, "source": source, "sender": sender[:256]}
    row = tx.one(SQL["keep_document"], values)
    return int(row["id"]) if row else None


def note_document(tx: Transaction, now: datetime, inbox_id: int, result: Mapping[str, Any]) -> None:
    """What the document came to."""
    tx.execute(SQL["note_document"], {"id": inbox_id, "now": now, "result": encode(result).decode()})
