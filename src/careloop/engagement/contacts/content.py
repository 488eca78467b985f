"""`content/engagement/contact-budget.yaml` as values."""

from datetime import time

from careloop.catalog import Catalog
from careloop.engagement.contacts.model import Band, Budget


def budget_of(catalog: Catalog) -> Budget:
    """The contact budget that holds."""
    known = _READ.get(id(catalog))
    if known is None or known[0] is not catalog:
        known = _READ[id(catalog)] = (catalog, _read(catalog))
    return known[1]


def _read(catalog: Catalog) -> Budget:
    document = catalog.document("engagement", "contact-budget")
    quiet = document["quiet"]
    return Budget(
        most=document["budget"]["most"],
        days=document["budget"]["days"],
        quiet_from=time.fromisoformat(quiet["from"]),
        quiet_until=time.fromisoformat(quiet["until"]),
        quiet_media=frozenset(quiet["media"]),
        silent_tries=document["silence"]["tries"],
        silent_days=document["silence"]["days"],
        silent_media=frozenset(document["silence"]["media"]),
        failures=frozenset(document["failures"]),
        learn_least=document["learning"]["least"],
        learn_days=document["learning"]["days"],
        bands=tuple(
            Band(
                id=one["id"],
                title=one["title"],
                starts=time.fromisoformat(one["from"]),
                ends=time.fromisoformat(one["until"]),
            )
            for one in document["bands"]
        ),
        titles={one["code"]: one["title"] for one in document["media"]},
        instead={one["code"]: tuple(one["instead"]) for one in document["media"]},
        planned_steps=frozenset(document["planned_steps"]),
        promised_pathways=frozenset(document["promised_pathways"]),
        agreed_categories=frozenset(document["agreed"]["categories"]),
        rules={one["id"]: one["says"] for one in document["rules"]},
    )


_READ: dict[int, tuple[Catalog, Budget]] = {}
