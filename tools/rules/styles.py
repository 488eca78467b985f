"""Every class is used, a page loads the sheets of the classes it has, no sheet is too long (ui.md §2)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from tools.tree import Finding, Source, Tree

SHEETS = "src/careloop/web/assets/source/"
LONGEST_SHEET = 30_000
_WEB = "src/careloop/web/"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_HEAD = re.compile(r"([^{}]+)\{")
_CLASS = re.compile(r"\.([A-Za-z][\w-]*)")
_ATTRIBUTE = re.compile(r'class="((?:[^"{]|\{\{.*?\}\}|\{%.*?%\}|\{)*)"', re.DOTALL)
_BRANCH = re.compile(r"\{%.*?%\}", re.DOTALL)
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_QUOTED = re.compile(r"""["']([\w -]+)["']""")
_WORD = re.compile(r"[A-Za-z*][\w*-]*")
_OTHER = re.compile(r"\{%-?\s*(?:extends|include|from|import)\s+'([\w.]+)'")
_LOADED = re.compile(r"asset\('([\w-]+\.css)'\)")


def check(tree: Tree) -> Iterator[Finding]:
    """Classes that nothing uses, pages without a sheet that they need, sheets over 30 kB."""
    sheets = {one.path.removeprefix(SHEETS): one for one in tree.files if one.path.startswith(SHEETS)}
    sheets = {name: one for name, one in sheets.items() if name.endswith(".css")}
    templates = {one.path.rpartition("/")[2]: one for one in tree.files if _is_template(one)}
    yield from _too_long(sheets)
    yield from _unused(tree, sheets, templates)
    yield from _not_loaded(sheets, templates)


def _too_long(sheets: Mapping[str, Source]) -> Iterator[Finding]:
    for sheet in sheets.values():
        if len(sheet.text.encode()) > LONGEST_SHEET:
            yield Finding(sheet.path, 1, "over 30 kB: what only some pages need goes into a sheet that they load")


def _unused(tree: Tree, sheets: Mapping[str, Source], templates: Mapping[str, Source]) -> Iterator[Finding]:
    used = {word for one in templates.values() for word in _classes(one.text) | _quoted(one.text)}
    for source in tree.files:
        if source.path.startswith(_WEB) and source.path.endswith((".py", ".js")):
            used |= {word for text in _QUOTED.findall(source.text) for word in text.split()}
    patterns = [word for word in used if "*" in word]
    for sheet in sheets.values():
        for name, line in _defined(sheet).items():
            if name not in used and not any(fnmatchcase(name, pattern) for pattern in patterns):
                yield Finding(sheet.path, line, f"nothing has the class {name}: remove it")


def _not_loaded(sheets: Mapping[str, Source], templates: Mapping[str, Source]) -> Iterator[Finding]:
    homes: dict[str, set[str]] = defaultdict(set)
    for name, sheet in sheets.items():
        for defined in _defined(sheet):
            homes[defined].add(name)
    for page in templates.values():
        parts = _parts(page, templates)
        loaded = {name for part in parts for name in _LOADED.findall(part.text)}
        if not loaded:
            continue
        for part in parts:
            for word in sorted(_classes(part.text)):
                if homes[word] and not homes[word] & loaded:
                    yield Finding(page.path, 1, f"has the class {word}, of {' or '.join(sorted(homes[word]))}: load it")


def _is_template(source: Source) -> bool:
    return source.path.startswith(_WEB) and "/templates/" in source.path and source.path.endswith(".html")


def _parts(page: Source, templates: Mapping[str, Source]) -> list[Source]:
    """The page and every template that it extends, includes or takes from."""
    found, waiting = [page], [page]
    while waiting:
        for name in _OTHER.findall(waiting.pop().text):
            if name in templates and templates[name] not in found:
                found.append(templates[name])
                waiting.append(templates[name])
    return found


def _defined(sheet: Source) -> dict[str, int]:
    """Each class that a selector of the sheet names, with the line of the first."""
    text = _COMMENT.sub(lambda found: "\n" * found.group().count("\n"), sheet.text)
    classes: dict[str, int] = {}
    for head in _HEAD.finditer(text):
        for name in _CLASS.findall(head.group(1)):
            line = text.count("\n", 0, head.start() + len(head.group(1)) - len(head.group(1).lstrip())) + 1
            classes.setdefault(name, line)
    return classes


def _classes(text: str) -> set[str]:
    """What stands in class attributes; a `*` for the part that a value fills in."""
    words: set[str] = set()
    for attribute in _ATTRIBUTE.findall(text):
        words.update(_WORD.findall(_VALUE.sub("*", _BRANCH.sub(" ", attribute))))
    return words - {"*"}


def _quoted(text: str) -> set[str]:
    """Words between quotes inside braces: a macro or a value may give them as classes."""
    inside = _VALUE.findall(text) + _BRANCH.findall(text)
    return {word for part in inside for quoted in _QUOTED.findall(part) for word in quoted.split()}
