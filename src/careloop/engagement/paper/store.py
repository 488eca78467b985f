"""Papers and their page images in PostgreSQL. A file is there once, however often it is sent."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.engagement.paper.model import Counts, NewPaper, Page, Paper, Settled
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.engagement.paper")
MOST_LISTED = 100


def add_paper(tx: Transaction, new: NewPaper, *, now: datetime, late_at: datetime, by: str) -> bool:
    """The paper waits. False where the same file is there already; nothing changed then."""
    added = tx.one(
        _SQL["add_paper"],
        {
            "id": new.id,
            "digest": digest_of(new.content),
            "name": new.name,
            "content_type": new.content_type,
            "content": new.content,
            "now": now,
            "by": by,
            "source": new.source,
            "late_at": late_at,
            "pages": _text(new.pages),
            "said": joined([one.text for one in new.looked]),
        },
    )
    if added is None:
        return False
    images = [{"paper": new.id, "page": place, "image": one.image} for place, one in enumerate(new.looked)]
    tx.execute_many(_SQL["add_page"], images)
    return True


def add_part(tx: Transaction, part_id: str, whole: str, pages: Sequence[Page], said: str) -> None:
    """Pages of a paper wait for themselves."""
    tx.execute(_SQL["add_part"], {"id": part_id, "whole": whole, "pages": _text(pages), "said": said})


def joined(texts: Sequence[str]) -> str:
    """The text layers of pages as one text, a form feed between them."""
    return "\f".join(text.replace("\0", "").replace("\f", " ") for text in texts)


def digest_of(content: bytes) -> bytes:
    """By what a file is known again."""
    return hashlib.sha256(content).digest()


def find_file(tx: Transaction, content: bytes) -> str | None:
    """The paper that this very file is, None where it is new."""
    found: str | None = tx.value(_SQL["paper_by_digest"], {"digest": digest_of(content)})
    return found


def find(tx: Transaction, paper_id: str) -> Paper | None:
    """The paper, None where there is none."""
    row = tx.one(_SQL["paper"], {"id": paper_id})
    return _paper(row) if row else None


def lock(tx: Transaction, paper_id: str) -> Paper | None:
    """The paper, which nobody else changes until `tx` ends."""
    row = tx.one(_SQL["lock_paper"], {"id": paper_id})
    return _paper(row) if row else None


def content(tx: Transaction, paper: Paper) -> bytes:
    """The file as it came."""
    return bytes(tx.value(_SQL["content"], {"id": paper.file_id}))


def page_image(tx: Transaction, paper: Paper, page: int) -> bytes | None:
    """The image of a page of its file, not turned; None where there is no such page."""
    row = tx.one(_SQL["page_image"], {"paper": paper.file_id, "page": page})
    return bytes(row["image"]) if row else None


def waiting(tx: Transaction) -> list[Paper]:
    """Papers that wait, the most urgent first."""
    return [_paper(row) for row in tx.rows(_SQL["waiting"], {"limit": MOST_LISTED})]


def settled(tx: Transaction, status: str) -> list[Paper]:
    """Papers that were attached, or set aside: those to glance at first, then the newest."""
    return [_paper(row) for row in tx.rows(_SQL["settled"], {"status": status, "limit": MOST_LISTED})]


def counts(tx: Transaction, now: datetime) -> Counts:
    """How much there is to do."""
    return Counts(**(tx.one(_SQL["counts"], {"now": now}) or {}))


def set_pages(tx: Transaction, paper_id: str, pages: Sequence[Page]) -> None:
    """The paper shows these pages, turned so."""
    tx.execute(_SQL["set_pages"], {"id": paper_id, "pages": _text(pages)})


def attach(tx: Transaction, paper_id: str, to: Settled, now: datetime, by: str) -> bool:
    """The paper is attached; by a person it needs no glance any more. False where it does not wait."""
    glanced = to.how == "person"
    values = {"id": paper_id, "patient_id": to.patient_id, "document": to.document, "kind": to.kind}
    return (
        tx.execute(
            _SQL["attach"],
            {
                **values,
                "matter": to.matter,
                "how": to.how,
                "now": now,
                "by": by,
                "glanced": now if glanced else None,
                "glanced_by": by if glanced else None,
            },
        )
        == 1
    )


def glance(tx: Transaction, paper_id: str, kind: str, now: datetime, by: str) -> None:
    """A person has looked: it is this kind of document."""
    tx.execute(_SQL["glance"], {"id": paper_id, "kind": kind, "now": now, "by": by})


def set_aside(tx: Transaction, paper_id: str, why: str, now: datetime, by: str) -> bool:
    """The paper belongs to nobody here. False where it does not wait."""
    return tx.execute(_SQL["set_aside"], {"id": paper_id, "why": why, "now": now, "by": by}) == 1


def wait_again(tx: Transaction, paper_id: str) -> bool:
    """The paper waits again, with the deadline it had. False where it does already."""
    return tx.execute(_SQL["wait_again"], {"id": paper_id}) == 1


def _text(pages: Sequence[Page]) -> str:
    return encode([{"page": one.page, "turn": one.turn, "codes": one.codes} for one in pages]).decode()


def _paper(row: Row) -> Paper:
    values = {name: row[name] for name in Paper.__dataclass_fields__}
    pages = tuple(Page(page=one["page"], turn=one["turn"], codes=tuple(one["codes"])) for one in row["pages"])
    return Paper(**{**values, "pages": pages})
