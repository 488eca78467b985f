"""A resource that stands as the pattern of copies about other people, with the index rows that a copy must have.

Indexing every copy would take most of the time of a large load. A copy differs from its pattern only by names (ids of
people and resources, which refer to each other), so its tokens differ only where a token is the hash of such a
name. Which those are is found once, by indexing one trial copy; a pattern that a trial does not explain is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from hashlib import blake2b
from typing import Any

from careloop.fhir.jsons import decode, encode_sorted
from careloop.fhir.tokens import value_hash
from careloop.record.content import Content, content_of
from careloop.record.indexing import Indexer, IndexRows
from careloop.record.store import NewVersion

Names = Sequence[tuple[str, str]]
"""What a name in the pattern is in the copy."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One resource as it stands. `content` is its content, `ordered` the same in the order of names (its digest is of
    that); `fixed` are tokens that every copy has, `named` the fields and texts of those that hash a name."""

    resource_type: str
    id: str
    content: Content
    ordered: str
    index: IndexRows
    fixed: tuple[int, ...]
    named: tuple[tuple[int, str], ...]

    def copy(self, key: int, names: Names, now: Any) -> NewVersion:
        """The first version of the copy in which these names are others."""
        own_id, encoded, ordered = self.id, self.content.encoded.decode(), self.ordered
        texts, references = [text for _, text in self.named], "\x1e".join(self.index.references)
        patient, joined = self.index.patient_id or "", "\x1e".join(texts)
        for old, new in names:
            own_id, encoded, ordered = own_id.replace(old, new), encoded.replace(old, new), ordered.replace(old, new)
            joined, references, patient = (
                joined.replace(old, new),
                references.replace(old, new),
                patient.replace(old, new),
            )
        hashed = zip(self.named, joined.split("\x1e") if texts else (), strict=True)
        tokens = sorted({*self.fixed, *(field ^ value_hash(text) for (field, _), text in hashed)})
        digest = int.from_bytes(blake2b(ordered.encode(), digest_size=8).digest(), "big", signed=True)
        front = self.content.meta_at - len(self.id) + len(own_id)
        content = Content(encoded.encode(), front, digest)
        index = replace(
            self.index, tokens=tuple(tokens), patient_id=patient or None,
            references=tuple(references.split("\x1e")) if references else (),
        )  # fmt: skip
        return NewVersion(
            key=key, resource_type=self.resource_type, id=own_id, version=1, digest=digest,
            text=content.text(1, now), index=index, change="created",
        )  # fmt: skip


def pattern_of(indexer: Indexer, tenant_id: int, zone: tzinfo, text: str, names: Names) -> Pattern:
    """The pattern that a stored text makes for copies in which `names` (each as long as what stands for it in any copy)
    are others; `ValueError` where a copy would differ by more than names."""
    resource = decode(text)
    trial = decode(_renamed(text, names))
    kind, own_id = resource["resourceType"], resource["id"]
    content = content_of(resource, kind, own_id)
    ours, theirs = (indexer.rows(tenant_id, zone, one) for one in (resource, trial))
    if (ours.dates, ours.strings, ours.quantities) != (theirs.dates, theirs.strings, theirs.quantities):
        raise ValueError(f"copies of {kind}/{own_id} differ by more than names")
    named = tuple(_named(set(ours.tokens), set(theirs.tokens), _texts(resource, kind), names))
    hashed = {field ^ value_hash(text) for field, text in named}
    ordered = encode_sorted(decode(content.encoded.decode())).decode()
    return Pattern(
        resource_type=kind, id=own_id, content=content, ordered=ordered, index=ours,
        fixed=tuple(one for one in ours.tokens if one not in hashed), named=named,
    )  # fmt: skip


def _named(ours: set[int], theirs: set[int], texts: set[str], names: Names) -> Iterator[tuple[int, str]]:
    """Field and text of each token that the trial does not have."""
    changed = [(value_hash(text), value_hash(_renamed(text, names)), text) for text in sorted(texts)]
    others = theirs - ours
    for token in sorted(ours - theirs):
        found = [(token ^ old, text) for old, new, text in changed if token ^ old ^ new in others]
        if not found:
            raise ValueError("a token of the pattern is no hash of a name")
        yield found[0]


def _texts(resource: Mapping[str, Any], kind: str) -> set[str]:
    """Every text of the resource, and what the index makes of a reference or an id."""
    found: set[str] = {f"{kind}/{resource['id']}"}
    for text in _leaves(resource):
        found |= {text, text.partition("/_history/")[0], f"|{text}"}
    for one in _identifiers(resource):
        found.add(f"{one.get('system')}|{one.get('value')}")
    return found


def _identifiers(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in resource.get("identifier", ()) if isinstance(one, Mapping)]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)


def _renamed(text: str, names: Names) -> str:
    for old, new in names:
        text = text.replace(old, new)
    return text
