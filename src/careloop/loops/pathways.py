"""Pathways and the tables beside them: checked content documents turned into the values that rules use.

`read_pathways(catalog)` gives everything that rules need from content: pathways of every version, what discharge
dispositions mean, and the risk models. The words of a pathway file are explained in `content/pathways/README.md`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from careloop.loops.model import Tier
from careloop.loops.rules.calendar import Calendar, Span
from careloop.loops.rules.pathways import (
    Attempts,
    Disposition,
    Document,
    Due,
    EndsWhen,
    EscalationRule,
    OnlyWhen,
    OpensWhen,
    Pathway,
    Pathways,
    Step,
)


class Content(Protocol):
    """What is needed of the catalog."""

    def documents(self, kind: str) -> Mapping[str, Document]:
        """The documents of one kind by name."""
        ...


def read_pathways(content: Content) -> Pathways:
    """Everything the engine needs from a checked catalog."""
    parsed = [parse_pathway(document) for document in content.documents("pathways").values()]
    transitions = content.documents("transitions")
    return Pathways(
        active={pathway.id: pathway for pathway in parsed if pathway.status == "active"},
        versions={(pathway.id, pathway.version): pathway for pathway in parsed},
        dispositions=_dispositions(transitions["discharge-status"]),
        risk=dict(content.documents("risk")),
        transitions=dict(transitions),
    )


def read_calendar(content: Content, name: str = "us-federal") -> Calendar:
    """The calendar with this name from a checked catalog."""
    document = content.documents("calendars")[name]
    holidays = {_day(row["observed"]): str(row["name"]) for row in document["holidays"]}
    covers = document["covers"]
    return Calendar(name=name, holidays=holidays, first=_day(covers["from"]), last=_day(covers["to"]))


def parse_pathway(document: Document) -> Pathway:
    """The pathway in a document that the schema accepts."""
    window, board = document["window"], document.get("board", {})
    return Pathway(
        id=document["id"],
        version=str(document["version"]),
        status=document["status"],
        title=document["title"],
        reviewed=bool(document.get("reviewed")),
        opens_when=_opens_when(document["opens_when"]),
        window=parse_span(window["within"]),
        window_rule=window["rule"],
        window_reason=window.get("reason", "window-over"),
        steps=tuple(_step(step) for step in document["steps"]),
        ends_when=tuple(_ends_when(item) for item in document.get("ends_when", ())),
        board=tuple((column["column"], frozenset(column["while_open"])) for column in board.get("columns", ())),
        watch=board.get("watch"),
        tiered=bool(document.get("tiered", False)),
        line=document.get("line", ""),
        ends_with_window=window.get("then", "ends") == "ends",
        patient_says=document.get("patient_says", ""),
        billing=tuple(document.get("billing", ())),
    )


def parse_span(text: str) -> Span:
    """`2 business-days` as a value. The schema has checked its shape."""
    amount, unit = text.split()
    return Span(amount=int(amount), unit=unit if unit.endswith("s") else unit + "s")


def _optional_span(text: str | None) -> Span | None:
    return None if text is None else parse_span(text)


def _opens_when(item: Document) -> OpensWhen:
    return OpensWhen(
        event=item["event"],
        classes=frozenset(item.get("class", ())),
        follow_up=frozenset(item.get("follow_up", ())),
        groups=frozenset(item.get("disposition_group", ())),
        disposition_unknown=bool(item.get("disposition_unknown", False)),
        unless_admitted_within=_optional_span(item.get("unless_admitted_within")),
        when=item.get("when", {}),
        about=tuple(item.get("about", ())),
        fresh={kind: parse_span(span) for kind, span in item.get("fresh", {}).items()},
        says=item.get("says", ""),
        rule=item.get("rule", ""),
    )


def _due(item: Document) -> Due:
    tiers, within = item.get("by_tier"), item.get("within")
    by_key = within if isinstance(within, Mapping) else {} if item.get("as_said") else None
    return Due(
        rule=item["rule"],
        within=_optional_span(within) if by_key is None else None,
        by_key=None if by_key is None else (item["by"], {name: parse_span(span) for name, span in by_key.items()}),
        as_said=bool(item.get("as_said", False)),
        target_by=item.get("target_by"),
        otherwise=_optional_span(item.get("otherwise")),
        since=item.get("since"),
        date=item.get("date"),
        end_of_month=item.get("until") == "end-of-month",
        by_tier={Tier(name): parse_span(span) for name, span in tiers.items()} if tiers else None,
        date_of=item.get("date_of"),
        planned_start=bool(item.get("planned_start", False)),
        results=_optional_span(item.get("after_expected_result")),
        results_expected=_optional_span(item.get("expected_when_unknown")),
        target=_optional_span(item.get("target")),
        tcm_days=item.get("count") == "tcm_day_count",
    )


def _step(item: Document) -> Step:
    attempts = item.get("attempts")
    done_when = item["done_when"]
    return Step(
        id=item["id"],
        title=item["title"],
        owner_role=item["owner"]["role"],
        due=_due(item["due"]),
        done_when=done_when,
        special=done_when.get("special"),
        only=_only(item.get("only_when", {})),
        attempts=_attempts(attempts) if attempts else None,
        escalate=_escalations(item["id"], item.get("escalate", ())),
        counts=item.get("counts", "after-step" if "follows" in item else "after-opening"),
        follows=item.get("follows"),
        question=item.get("ask", {}).get("question", ""),
        points=tuple(item.get("ask", {}).get("points", ())),
    )


def _only(item: Document) -> OnlyWhen:
    return OnlyWhen(
        tier=Tier(item["tier"]) if "tier" in item else None,
        key={name: frozenset(values) for name, values in item.get("key", {}).items()},
        fact=item.get("fact"),
    )


def _attempts(item: Document) -> Attempts:
    return Attempts(
        when=item["when"],
        enough=item["enough"],
        rule=item["rule"],
        says=item["says"],
        then=_optional_span(item.get("then")),
    )


def _escalations(step_id: str, items: Sequence[Document]) -> tuple[EscalationRule, ...]:
    return tuple(
        EscalationRule(
            key=f"{step_id}.{number}",
            after=item.get("after", "opening"),
            span=_optional_span(item.get("by")),
            to_role=item["to"]["role"],
            share=int(item["share"].split()[0]) if "share" in item else None,
            only={name: frozenset(values) for name, values in item.get("only_when", {}).get("key", {}).items()},
        )
        for number, item in enumerate(items, start=1)
    )


def _ends_when(item: Document) -> EndsWhen:
    return EndsWhen(
        event=item["event"],
        reason=item["reason"],
        classes=frozenset(item.get("class", ())),
        within=_optional_span(item.get("within")),
        when=item.get("when", {}),
    )


def _dispositions(document: Document) -> dict[str, Disposition]:
    """Dispositions by NUBC code, and by the codes of other systems that mean the same."""
    found: dict[str, Disposition] = {}
    for row in document["statuses"]:
        disposition = _disposition(row)
        found |= {str(code): disposition for code in (row["code"], *row.get("also", ()))}
    return found


def _disposition(row: Document) -> Disposition:
    return Disposition(
        code=str(row["code"]),
        meaning=row["meaning"],
        group=row["group"],
        follow_up=row["follow_up"],
        chains=row["chains_stay"],
        index=row["readmission_index"],
    )


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
