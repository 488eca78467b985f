"""`content/education` as values."""

from collections.abc import Mapping
from typing import Any

from careloop.catalog import Catalog
from careloop.engagement.education.model import Choice, Item, Words

Document = Mapping[str, Any]


def items_of(catalog: Catalog) -> dict[str, Item]:
    """Every active item by id."""
    return {one["id"]: _item(one) for one in catalog.documents("education").values() if one["status"] == "active"}


def _item(document: Document) -> Item:
    return Item(
        id=document["id"],
        version=document["version"],
        title=document["title"],
        fits=tuple(document["fits"]),
        plans=tuple(document["plans"]),
        minutes=document["minutes"],
        words=tuple(_words(one) for one in document["words"]),
        is_reviewed=document["reviewed"] is not None,
    )


def _words(one: Document) -> Words:
    reviewed = one.get("reviewed")
    return Words(
        language=one["language"],
        title=one["title"],
        body=tuple(one["body"]),
        ask=one["ask"],
        choices=tuple(
            Choice(
                id=each["id"],
                text=each["text"],
                right=each.get("right", False),
                thinks=each.get("thinks", ""),
                say=each.get("say", ""),
            )
            for each in one["choices"]
        ),
        reviewed=f"{reviewed['by']}, {reviewed['date']}" if reviewed else "",
    )
