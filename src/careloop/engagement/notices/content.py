"""`content/engagement/notices.yaml` as values."""

from datetime import timedelta

from careloop.catalog import Catalog
from careloop.engagement.notices.model import Kind, NoticeRules


def rules_of(catalog: Catalog) -> NoticeRules:
    """Who is told of what, as it holds."""
    known = _READ.get(id(catalog))
    if known is None or known[0] is not catalog:
        known = _READ[id(catalog)] = (catalog, _read(catalog))
    return known[1]


def _read(catalog: Catalog) -> NoticeRules:
    document = catalog.document("engagement", "notices")
    others: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in document["communication"]:
        others.setdefault(one["kind"], {})[one["pathway"]] = tuple(one["to"])
    return NoticeRules(
        kinds={
            one["id"]: Kind(
                id=one["id"],
                title=one["title"],
                says=one["says"],
                to=tuple(one["to"]),
                way=one["way"],
                rule=one["rule"],
                safety=one.get("safety", False),
                joins=tuple(one.get("joins", ())),
                by_pathway=others.get(one["id"], {}),
            )
            for one in document["kinds"]
        },
        history=timedelta(days=document["history"]["days"]),
        mail_pause=timedelta(minutes=document["mail"]["pause_minutes"]),
        ignored_after=timedelta(days=document["ignored"]["days"]),
        rules={one["id"]: one["says"] for one in document["rules"]},
    )


_READ: dict[int, tuple[Catalog, NoticeRules]] = {}
