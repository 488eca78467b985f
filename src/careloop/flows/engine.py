"""The pure engine with everything it needs from around: content, the tenant's choices, the patient's resources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from careloop.access.model import Tenant
from careloop.access.tenancy import ask_tenant, settings_of
from careloop.catalog import Catalog, overlay, versions
from careloop.db import Transaction
from careloop.flows.app import App
from careloop.loops.facts import FACT_TYPES, Fact, PatientFacts, StoredResource, read_facts
from careloop.loops.facts.keys import KeyReader, no_keys
from careloop.loops.facts.reading import facts_of_one, resource_type_of
from careloop.loops.keys import key_reader, opening_reader
from careloop.loops.model import Act, Derivation, ExistingLoop, LoopSettings
from careloop.loops.pathways import read_calendar, read_pathways
from careloop.loops.rules.calendar import Calendar, after
from careloop.loops.rules.conditions import could_hold, holds, resource_types
from careloop.loops.rules.derive import derive as derive_loops
from careloop.loops.rules.opening import fresh_until
from careloop.loops.rules.pathways import Pathway, Pathways
from careloop.loops.rules.rank import RankWeights, read_weights
from careloop.loops.store import StoredLoop
from careloop.record import Stored

RESOURCE_TYPES = tuple(sorted({*FACT_TYPES, "CareTeam", "Patient"}))
"""What a review reads of a patient: the facts that rules ask about, the person, and who cares for them."""

HORIZON = timedelta(days=400)
"""What is older than this opens nothing; a loop that is open for longer keeps what it is about."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """The catalog as the engine's values."""

    pathways: Pathways
    calendar: Calendar
    weights: RankWeights
    keys: KeyReader
    opening_words: Callable[[Mapping[str, Any]], Mapping[str, str]]

    @cached_property
    def opening_types(self) -> frozenset[str]:
        """Resources that can open a loop by being written. The others only move loops that there are."""
        kinds = {kind for one in self._by_facts for kind in resource_types(one.opens_when.when)}
        return frozenset({"Encounter"} | {resource_type_of(kind) for kind in kinds})

    @cached_property
    def focus_types(self) -> frozenset[str]:
        """Resources that a loop can be about."""
        return self.opening_types | {kind for one in self._by_facts for kind in one.opens_when.about}

    def may_open(self, stored: StoredResource, zone: str, now: datetime) -> bool:
        """False where nothing that this resource says opens a loop: most of what is written."""
        if stored.resource_type not in self.opening_types:
            return False
        if stored.resource_type == "Encounter":
            return True
        words = {} if stored.deleted else self.opening_words(stored.resource)
        asking = [
            pathway
            for pathway, kind in self._by_type[stored.resource_type]
            if could_hold(pathway.opens_when.when, kind, words)
        ]
        if not asking:
            return False
        facts = facts_of_one(
            stored, zone, self.keys, lambda fact: any(self._in_time(one, fact, zone, now) for one in asking)
        )
        return facts is None or any(self._opens(one, fact, zone, now) for one in asking for fact in facts)

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[tuple[Pathway, str]]]:
        """Pathways that a resource of a type may open, each with the kind of fact by which it would."""
        found: dict[str, list[tuple[Pathway, str]]] = {kind: [] for kind in self.opening_types}
        for pathway in self._by_facts:
            for kind in sorted(resource_types(pathway.opens_when.when)):
                found[resource_type_of(kind)].append((pathway, kind))
        return found

    def _opens(self, pathway: Pathway, fact: Fact, zone: str, now: datetime) -> bool:
        return holds(pathway.opens_when.when, fact) and self._in_time(pathway, fact, zone, now)

    def _in_time(self, pathway: Pathway, fact: Fact, zone: str, now: datetime) -> bool:
        """False for what is no news or whose window is over, whatever it says."""
        limit = fresh_until(pathway.opens_when, fact)
        if limit is not None and limit < now:
            return False
        return after(fact.at, pathway.window, zone, self.calendar).due >= now

    @cached_property
    def _by_facts(self) -> list[Pathway]:
        return [one for one in self.pathways.active.values() if one.opens_when.event == "fact"]


@dataclass(frozen=True, kw_only=True)
class Derived:
    """What follows for one patient, and where their days begin and end."""

    zone: tzinfo
    derivation: Derivation


_tenants: WeakKeyDictionary[Transaction, Tenant] = WeakKeyDictionary()
_asked: WeakKeyDictionary[Transaction, Callable[[], Tenant]] = WeakKeyDictionary()
_parsed: list[tuple[Catalog, Content]] = []


def content_of(catalog: Catalog) -> Content:
    """Parsed once for each catalog; a process has one, and one for each practice with rules of its own."""
    for known, content in _parsed:
        if known is catalog:
            return content
    weights = read_weights(catalog.document("worklist", "rank"))
    content = Content(
        pathways=read_pathways(catalog),
        calendar=read_calendar(catalog),
        weights=weights,
        keys=key_reader(catalog),
        opening_words=opening_reader(catalog),
    )
    _parsed[:] = [(catalog, content), *_parsed[: overlay.MOST]]
    return content


def content_for(app: App, tx: Transaction) -> Content:
    """What the engine runs on for the transaction's tenant: what ships, with the practice's own rules over it."""
    return content_of(catalog_for(app, tx))


def catalog_for(app: App, tx: Transaction) -> Catalog:
    """The catalog for the transaction's tenant. It costs no query: the tenant, read once in each transaction, says
    whether the copy that this process has is the newest."""
    revision = tenant_of(tx).rules_revision
    if revision == 0:
        return app.catalog
    return app.rules.get(tx.tenant_id, revision, lambda: overlay.overlaid(app.catalog, versions.published(tx)))


def at_practice(app: App, tx: Transaction) -> App:
    """The same process with the content of the transaction's tenant; flows take it where they begin."""
    catalog = catalog_for(app, tx)
    return app if catalog is app.catalog else replace(app, catalog=catalog)


def weights_of(app: App, tenant: Tenant) -> RankWeights:
    """Points of the worklist's rules at this practice, where no transaction is open."""
    if tenant.rules_revision == 0:
        return rank_weights(app.catalog)
    with app.database.transaction(tenant.id) as tx:
        return content_for(app, tx).weights


def rank_weights(catalog: Catalog) -> RankWeights:
    """Points of the worklist's rules."""
    return content_of(catalog).weights


def title(catalog: Catalog, pathway_id: str, step_id: str) -> str:
    """The words of a pathway (step id '') or of its step; the id itself for a pathway that is no longer in content."""
    pathway = content_of(catalog).pathways.active.get(pathway_id)
    if pathway is None:
        return step_id or pathway_id
    if step_id == "":
        return pathway.title
    if step_id.startswith("extra-"):
        return "One more step"
    step = pathway.step(step_id)
    return step.title if step else step_id


def derive(
    catalog: Catalog,
    tenant: Tenant,
    patient_id: str,
    resources: Sequence[Stored],
    loops: Sequence[StoredLoop],
    roles: Mapping[str, frozenset[str]],
    now: datetime,
) -> Derived:
    """What this patient's loops must be at `now`. `roles` are role codes of practitioners, by reference."""
    content = content_of(catalog)
    since = min([now, *(loop.state.opened for loop in loops if loop.state.status.is_open)]) - HORIZON
    facts = facts_of(tenant, patient_id, resources, roles, keys=content.keys, since=since)
    acts = [act for loop in loops for act in loop.acts]
    existing = [ExistingLoop.of(loop.state, loop.as_of) for loop in loops]
    found = derive_from(content, tenant, facts, existing, acts, now)
    return Derived(zone=ZoneInfo(facts.zone), derivation=found)


def derive_from(
    content: Content,
    tenant: Tenant,
    facts: PatientFacts,
    existing: Sequence[ExistingLoop],
    acts: Sequence[Act],
    now: datetime,
) -> Derivation:
    """The same from facts that were read already and any content: what a rehearsal asks (`flows.rehearsing`)."""
    return derive_loops(content.pathways, content.calendar, facts, existing, acts, loop_settings(tenant), now)


def facts_of(
    tenant: Tenant,
    patient_id: str,
    resources: Sequence[Stored],
    roles: Mapping[str, frozenset[str]],
    *,
    keys: KeyReader = no_keys,
    since: datetime | None = None,
) -> PatientFacts:
    """What the record says happened to the patient. `keys` gives the named words of facts; results and forms from
    before `since` are left out."""
    return read_facts(
        resources, tenant_id=tenant.id, patient_id=patient_id, zone=tenant.zone, roles=roles, keys=keys, since=since
    )


def tenant_of(tx: Transaction) -> Tenant:
    """The tenant of the transaction, read once in it."""
    found = _tenants.get(tx)
    if found is None:
        asked = _asked.pop(tx, None) or ask_tenant(tx, tx.tenant_id)
        found = _tenants[tx] = asked()
    return found


def foresee_tenant(tx: Transaction) -> None:
    """The tenant is asked for with what is asked next, as `tenant_of` will want it."""
    if tx not in _tenants and tx not in _asked:
        _asked[tx] = ask_tenant(tx, tx.tenant_id)


def forget_tenant(tx: Transaction) -> None:
    """What is asked of the tenant next in this transaction is read anew: it was changed in it."""
    _tenants.pop(tx, None)
    _asked.pop(tx, None)


def loop_settings(tenant: Tenant) -> LoopSettings:
    """The tenant's choices as the rules take them."""
    chosen = settings_of(tenant)
    return LoopSettings(
        zone=tenant.zone,
        tcm_day_count=chosen.tcm_day_count,
        hospital_version=chosen.hospital_version,
        same_day_contact=chosen.same_day_contact,
    )
