"""Allergies against medicines (ME-11): the ingredient first, then its class, then what crosses over. An intolerance is
shown and never in the way; an allergy that nobody can match is said (ME-12)."""

from collections.abc import Iterator
from dataclasses import dataclass

from careloop.medications.drugs import RXNORM, phrase
from careloop.medications.findings import Kind, NotChecked, Tier
from careloop.medications.person import Allergy
from careloop.medications.products import product_of
from careloop.medications.rules.compiled import CompiledRow, Safety
from careloop.medications.rules.firing import Fired, reason_of
from careloop.medications.rules.situation import Entry, Situation


@dataclass(frozen=True, slots=True)
class _Meant:
    """What an allergy is against: ingredients, and classes by their row."""

    mask: int
    rows: tuple[CompiledRow, ...]


def for_allergies(safety: Safety, at: Situation) -> Iterator[Fired | NotChecked]:
    """Every medicine that an allergy speaks against, by any route; allergies to medicines that no table knows."""
    now = [one for one in at.entries if one.current and one.mask]
    for allergy in at.person.allergies:
        if _says_none(allergy, safety):
            continue
        meant = _meant(allergy, safety)
        if not meant.mask and not meant.rows:
            if "medication" in allergy.category or not allergy.category:
                why = "this allergy is not matched to an ingredient or class"
                yield NotChecked(reference=allergy.reference, text=allergy.text or "an allergy without a name", why=why)
            continue
        for one in now:
            fired = _against(allergy, meant, one, safety, at)
            if fired is not None:
                yield fired


def _says_none(allergy: Allergy, safety: Safety) -> bool:
    codes, words = set(safety.allergies["none_codes"]), set(safety.allergies["none_words"])
    return bool(codes & allergy.codes) or phrase(allergy.text) in words


def _meant(allergy: Allergy, safety: Safety) -> _Meant:
    folded = phrase(allergy.text)
    named = {row.id: row for row in safety.allergy_rows if folded in row.row["words"] or _coded(allergy, row)}
    by_code = [code.rpartition("|")[2] for code in allergy.codes if code.startswith(f"{RXNORM}|")]
    found = [one for code in by_code if (one := safety.drugs.by_rxcui.get(code)) is not None]
    if not named or found:
        found += [one for one in product_of(allergy.text, safety.drugs).ingredients if one.known]
    mask = safety.mask_of(one.key for one in found)
    rows = {**named, **{row.id: row for row in safety.allergy_rows if mask & _class_mask(row, safety)}}
    return _Meant(mask, tuple(rows.values()))


def _coded(allergy: Allergy, row: CompiledRow) -> bool:
    return not allergy.codes.isdisjoint(row.row["codes"])


def _class_mask(row: CompiledRow, safety: Safety) -> int:
    return row.sides["class"]


def _against(allergy: Allergy, meant: _Meant, one: Entry, safety: Safety, at: Situation) -> Fired | None:
    ingredient = safety.allergies["ingredient"]
    if one.mask & meant.mask:
        row = CompiledRow(row=ingredient)
        return _fired(row, str(ingredient["severity"]), str(ingredient["says"]), allergy, one, safety)
    for row in meant.rows:
        if one.mask & row.sides["class"]:
            return _fired(row, str(row.row["severity"]), str(row.row["says"]), allergy, one, safety)
    here = at.about(one)
    for row in meant.rows:
        for condition, cross in row.cases:
            if condition(here):
                return _fired(row, str(cross["severity"]), str(cross["says"]), allergy, one, safety)
    return None


def _fired(row: CompiledRow, tier: str, says: str, allergy: Allergy, one: Entry, safety: Safety) -> Fired | None:
    intolerance = is_intolerance(allergy, safety)
    told = [
        allergy.severity and f"{allergy.severity} reaction",
        allergy.criticality and f"criticality {allergy.criticality}",
    ]
    notes = [*filter(None, told), *([f"reaction: {', '.join(allergy.reactions)}"] if allergy.reactions else [])]
    if intolerance:
        notes.insert(0, "an intolerance, not an allergy")
    reason = reason_of(
        row, Kind.ALLERGY, Tier.MODERATE if intolerance else Tier(tier), safety,
        effect=f"{says} (on record: {allergy.text})",
        action="watch for it" if intolerance else "do not give it before the allergy is clarified",
        notes=notes, facts=[f"allergy {allergy.text}"],
    )  # fmt: skip
    return Fired((one,), reason) if reason is not None else None


def is_intolerance(allergy: Allergy, safety: Safety) -> bool:
    """Said to be one; or only reactions that are no allergy, where nobody has said that it is one."""
    if allergy.type:
        return allergy.type == "intolerance"
    words = set(safety.allergies["intolerance_words"])
    harmless = bool(allergy.reactions) and all(phrase(one) in words for one in allergy.reactions)
    return harmless and allergy.severity != "severe" and allergy.criticality != "high"
