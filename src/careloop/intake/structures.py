"""How a message is built: which segments form a group, which resources a group makes, how they refer to each other.

Read from the files of kind `messages` in `content/mappings/hl7v2/messages`. Grouping is forgiving: a segment that
stands where the standard has none is kept with the group before it, never a reason to refuse a message. Pure.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.errors import ContentError, Fault
from careloop.intake.addresses import Test, tests_of
from careloop.intake.hl7v2 import Segment

ROOT = "message"
SPECIAL = frozenset({"patient", "encounter", "diagnosis"})


@dataclass(frozen=True, kw_only=True)
class GroupRule:
    """A group: the segments that begin one (in their order, each at most once), those it takes, what it lies in."""

    name: str
    starts: tuple[frozenset[str], ...]
    takes: frozenset[str]
    within: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an element refers to: the first of these names that the message made, put into a pattern where one is
    given."""

    names: tuple[str, ...]
    into: Any = None


@dataclass(frozen=True, kw_only=True)
class ResourceRule:
    """A resource that each instance of a group makes."""

    name: str
    group: str
    resource: str
    maps: tuple[str, ...]
    key: tuple[tuple[str, ...], ...]
    distinct: tuple[str, ...]
    scope: str
    refer: Mapping[str, Target]
    tests: tuple[Test, ...]
    needs: tuple[str, ...]
    wants: tuple[str, ...]
    collect: tuple[str, ...]
    constants: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Structure:
    """One kind of message."""

    id: str
    events: tuple[tuple[str, str], ...]
    groups: tuple[GroupRule, ...]
    resources: tuple[ResourceRule, ...]


@dataclass(kw_only=True, eq=False)
class Group:
    """One instance of a group in a message."""

    rule: GroupRule | None
    parent: "Group | None" = None
    segments: list[Segment] = field(default_factory=list)
    children: list["Group"] = field(default_factory=list)
    reached: int = 0
    _view: dict[str, list[Segment]] | None = None

    @property
    def name(self) -> str:
        """The group's name."""
        return self.rule.name if self.rule else ROOT

    @property
    def view(self) -> dict[str, list[Segment]]:
        """Its own segments by name, and those of the groups around it where it has none of that name."""
        if self._view is None:
            own: dict[str, list[Segment]] = {}
            for segment in self.segments:
                own.setdefault(segment.name, []).append(segment)
            self._view = {**self.parent.view, **own} if self.parent else own
        return self._view

    def instances(self, name: str) -> Iterator["Group"]:
        """Itself and all below it that have this name, in the order of the message."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.instances(name)

    def below(self) -> Iterator["Group"]:
        """All groups below it."""
        for child in self.children:
            yield child
            yield from child.below()


def structure_of(document: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> Structure:
    """A document of kind `messages`, ready for use, with the groups and resources of the `parts` that it includes; a
    group of its own takes the place of one of the same name. `ContentError` for a part that does not exist."""
    included = _list(document.get("include"))
    faults = [
        Fault(at=f"{document['id']} include", expected=f"a part, not {one}") for one in included if one not in parts
    ]
    if faults:
        raise ContentError(faults)
    sources = [*(parts[one] for one in included), document]
    told = {name: group for source in sources for name, group in source.get("groups", {}).items()}
    groups = tuple(_group_rule(name, group) for name, group in told.items())
    events = tuple((kind, str(event)) for kind, some in document["events"].items() for event in some)
    resources = tuple(_resource_rule(one) for source in sources for one in source.get("resources", ()))
    return Structure(id=document["id"], events=events, groups=groups, resources=resources)


def structure_faults(structure: Structure, maps: Mapping[str, Any], names: Collection[str]) -> list[Fault]:
    """References in a structure to groups, maps and resources that do not exist. `names` are the resources of any
    structure: what a part refers to need not be in each message that includes it."""
    faults = []
    groups = {group.name for group in structure.groups} | {ROOT}
    names = {*names, *SPECIAL}
    for one in structure.resources:
        place = f"{structure.id} resources {one.name}"
        if one.group not in groups:
            faults.append(Fault(at=f"{place}.group", expected=f"one of {', '.join(sorted(groups))}"))
        faults += [
            Fault(at=f"{place}.maps", expected=f"a map that exists, not {own}") for own in one.maps if own not in maps
        ]
        told = {
            name.removeprefix("and ").removeprefix("near ") for target in one.refer.values() for name in target.names
        }
        faults += [Fault(at=f"{place}.refer", expected=f"a resource of a message, not {x}") for x in told - names]
    return faults


def group_segments(structure: Structure, segments: Sequence[Segment]) -> Group:
    """The message as a tree of groups. Every segment is in exactly one."""
    root = Group(rule=None)
    stack = [root]
    starters = _starters(structure)
    for segment in segments:
        joined = _joined(segment, starters.get(segment.name, ()), stack)
        if joined is None:
            taker = next((one for one in reversed(stack) if one.rule and segment.name in one.rule.takes), None)
            joined = taker or (stack[-1] if segment.name.startswith("Z") else root)
        joined.segments.append(segment)
    return root


def _starters(structure: Structure) -> dict[str, list[tuple[GroupRule, int]]]:
    found: dict[str, list[tuple[GroupRule, int]]] = {}
    for rule in structure.groups:
        for place, names in enumerate(rule.starts, start=1):
            for name in names:
                found.setdefault(name, []).append((rule, place))
    return found


def _joined(segment: Segment, candidates: Sequence[tuple[GroupRule, int]], stack: list[Group]) -> Group | None:
    """The group that this segment begins or goes on with; None when it is no beginning here."""
    best: tuple[int, GroupRule, int] | None = None
    for rule, place in candidates:
        for depth in range(len(stack) - 1, -1, -1):
            open_one = stack[depth]
            if open_one.rule is rule and open_one.reached < place:
                del stack[depth + 1 :]
                open_one.reached = place
                return open_one
            if open_one.name in rule.within:
                if best is None or depth > best[0]:
                    best = (depth, rule, place)
                break
    if best is None:
        return None
    depth, rule, place = best
    del stack[depth + 1 :]
    made = Group(rule=rule, parent=stack[-1], reached=place)
    stack[-1].children.append(made)
    stack.append(made)
    return made


def _group_rule(name: str, group: Mapping[str, Any]) -> GroupRule:
    return GroupRule(
        name=name,
        starts=tuple(frozenset(_list(one)) for one in group["starts"]),
        takes=frozenset(group.get("takes", ())),
        within=tuple(_list(group.get("in", ROOT))),
    )


def _resource_rule(one: Mapping[str, Any]) -> ResourceRule:
    return ResourceRule(
        name=one["name"],
        group=one["group"],
        resource=one["resource"],
        maps=tuple(one["maps"]),
        key=tuple(tuple(_list(key)) for key in one.get("key", ())),
        distinct=tuple(one.get("distinct", ())),
        scope=one.get("scope", "sender"),
        refer={path: _target(told) for path, told in one.get("refer", {}).items()},
        tests=tests_of(_list(one.get("when"))),
        needs=tuple(_list(one.get("needs"))),
        wants=tuple(_list(one.get("wants"))),
        collect=tuple(_list(one.get("collect"))),
        constants=one.get("constants", {}),
    )


def _target(told: Any) -> Target:
    if isinstance(told, Mapping):
        return Target(names=tuple(_list(told["to"])), into=told["into"])
    return Target(names=tuple(_list(told)))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
