"""The rules of `content/ccda` ready to be carried out: which template becomes which resource, element by element.

A path is an XPath 1.0 over plain names, relative to the entry; `[T:22.4.7]` in it means "has the template
2.16.840.1.113883.10.20.22.4.7", `[S:48765-2]` "has this LOINC code".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.fhir.xmls import Element, compile_path
from careloop.intake.ccda.model import PATIENT

Path = Callable[[Element], Any]
HL7_ROOT = "2.16.840.1.113883.10.20."
_TEMPLATE = re.compile(r"\[T:([\d.|]+)\]")
_CODE = re.compile(r"\[S:([\w.|-]+)\]")


def template_root(text: str) -> str:
    """`22.4.7` is short for the HL7 root before it; a whole OID (five parts or more, from 1 or 2) stays as it is."""
    return text if re.match(r"2\.16\.840\.|1\.3\.6\.|2\.25\.\d{9}", text) else HL7_ROOT + text


def path(text: str) -> Path:
    """A path of content, compiled."""
    return compile_path(expanded(text))


def expanded(text: str) -> str:
    """The path with its short forms written out."""
    text = _TEMPLATE.sub(lambda found: f"[{_any('templateId/@root', map(template_root, found[1].split('|')))}]", text)
    return _CODE.sub(lambda found: f"[{_any('code/@code', found[1].split('|'))}]", text)


def _any(place: str, wanted: Any) -> str:
    return " or ".join(f"{place}='{one}'" for one in wanted)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Codes to codes. `other` is the answer for a code that is not in the table, empty for none."""

    system: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    display: Mapping[str, str] = field(default_factory=dict)
    other: str = ""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One element of a resource: where it comes from, what it is, what it becomes."""

    to: str
    source: Path | None = None
    kind: str = ""
    each: bool = False
    table: str = ""
    when: Path | None = None
    value: Any = None
    into: Any = None
    mapping: str = ""
    rules: tuple["Rule", ...] = ()
    unless_set: bool = False


@dataclass(frozen=True, kw_only=True)
class EntryRules:
    """What becomes of entries with one of `templates`. `skip` says when an entry says nothing that could be kept."""

    id: str
    resource: str
    templates: tuple[str, ...]
    elements: tuple[str, ...]
    rules: tuple[Rule, ...]
    constants: Mapping[str, Any]
    skip: Path | None = None
    only: Path | None = None
    shared: bool = False
    key: tuple[Path, ...] = ()
    plain: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """One constraint of a template: the element it is about, the test, its number in the specification."""

    context: Path
    test: Path
    at: str
    expected: str
    conf: str
    severity: str
    kinds: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A kind of section: its LOINC codes and its templates."""

    name: str
    codes: frozenset[str]
    templates: frozenset[str]
    title: str


@dataclass(frozen=True, kw_only=True)
class CcdaContent:
    """All of `content/ccda`."""

    mappings: Mapping[str, EntryRules]
    by_template: Mapping[str, tuple[EntryRules, ...]]
    plain: Mapping[str, tuple[EntryRules, ...]]
    helpers: frozenset[str]
    sections: Sequence[Section]
    kinds: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Table]
    systems: Mapping[str, str]
    checks: Sequence[Check]
    writing: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    translations: Mapping[str, str]


def load_ccda(documents: Mapping[str, Mapping[str, Any]]) -> CcdaContent:
    """The documents of content kind `ccda`, interpreted; `Rejected` for a path that is none."""
    mappings: dict[str, EntryRules] = {}
    tables: dict[str, Table] = {}
    systems: dict[str, str] = {}
    sections: list[Section] = []
    checks: list[Check] = []
    kinds: dict[str, Mapping[str, Any]] = {}
    helpers: set[str] = set()
    writing: dict[str, Mapping[str, Any]] = {}
    versions: dict[str, str] = {}
    translations: dict[str, str] = {}
    for document in documents.values():
        mappings |= {name: _mapping(name, one) for name, one in document.get("entries", {}).items()}
        tables |= {name: _table(one) for name, one in document.get("tables", {}).items()}
        systems |= document.get("systems", {})
        sections += [_section(name, one) for name, one in document.get("sections", {}).items()]
        checks += [_check(one) for one in document.get("checks", ())]
        kinds |= document.get("documents", {})
        writing |= document.get("writing", {}).get("documents", {})
        translations |= document.get("writing", {}).get("translations", {})
        versions |= document.get("writing", {}).get("versions", {})
        helpers |= {template_root(one) for one in document.get("helpers", ())}
    return CcdaContent(
        mappings=mappings,
        by_template=_by(mappings, lambda one: one.templates),
        plain=_by(mappings, lambda one: one.elements if one.plain else ()),
        helpers=frozenset(helpers),
        sections=sections,
        kinds=kinds,
        tables=tables,
        systems=systems,
        checks=checks,
        writing=writing,
        versions=versions,
        translations=translations,
    )


def _by(
    mappings: Mapping[str, EntryRules], names: Callable[[EntryRules], Sequence[str]]
) -> dict[str, tuple[EntryRules, ...]]:
    found: dict[str, tuple[EntryRules, ...]] = {}
    for one in mappings.values():
        for name in names(one):
            found[name] = (*found.get(name, ()), one)
    return found


def _mapping(name: str, raw: Mapping[str, Any]) -> EntryRules:
    return EntryRules(
        id=name,
        resource=raw["resource"],
        templates=tuple(template_root(one) for one in raw.get("templates", ())),
        elements=tuple(raw.get("elements", ())),
        rules=_rules(raw["rules"]),
        constants=_constants(raw),
        skip=_optional(raw.get("skip")),
        only=_optional(raw.get("only")),
        shared=raw.get("shared", False),
        key=tuple(path(one) for one in raw.get("key", ())),
        plain=raw.get("plain", False),
    )


def _constants(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What every such resource states; `patient` names the element that refers to the person."""
    about = {raw["patient"]: {"reference": PATIENT}} if "patient" in raw else {}
    return {**about, **raw.get("constants", {})}


def _rules(raw: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            to=one["to"],
            source=_optional(one.get("from")),
            kind=one.get("as", ""),
            each=one.get("each", False),
            table=one.get("table", ""),
            when=_optional(one.get("when")),
            value=one.get("value"),
            into=one.get("into"),
            mapping=one.get("mapping", ""),
            rules=_rules(one.get("rules", ())),
            unless_set=one.get("unless-set", False),
        )
        for one in raw
    )


def _optional(text: str | None) -> Path | None:
    return path(text) if text else None


def _table(raw: Mapping[str, Any]) -> Table:
    return Table(
        system=raw.get("system", ""),
        codes=raw["codes"],
        display=raw.get("display", {}),
        other=raw.get("other", ""),
    )


def _section(name: str, raw: Mapping[str, Any]) -> Section:
    return Section(
        name=name,
        codes=frozenset(raw["codes"]),
        templates=frozenset(template_root(one) for one in raw.get("templates", ())),
        title=raw["title"],
    )


def _check(raw: Mapping[str, Any]) -> Check:
    return Check(
        context=path(raw["context"]),
        test=path(f"boolean({expanded(raw['test'])})"),
        at=raw["at"],
        expected=raw["expected"],
        conf=raw.get("conf", ""),
        severity=raw.get("severity", "error"),
        kinds=frozenset(raw.get("kinds", ())),
    )
