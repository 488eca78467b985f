"""The one door to a person's data: every write, read and search, with its audit entry, in the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.db.exchange import Statement
from careloop.errors import Fault, Gone, NotFound, NotPermitted
from careloop.fhir.searchparameters import SearchDefinitions, token_hash
from careloop.fhir.validation import Validator
from careloop.record import charts, reading, store, verifying
from careloop.record.amending import Amender
from careloop.record.charts import ChartAsked, ChartPage
from careloop.record.decide import Prepared
from careloop.record.model import Amendment, Finding, HistoryPage, SearchPage, Stored, Write, Written
from careloop.record.reindexing import Index
from careloop.record.search import Asked, Asking, Steps, Wide, one_of, searching
from careloop.record.writing import Begun, Writer


class Record:
    """The longitudinal record of all tenants; a transaction decides which. Safe to share between threads."""

    def __init__(self, definitions: SearchDefinitions, validator: Validator) -> None:
        self.definitions = definitions
        self.validator = validator
        self._writer = Writer(definitions, validator)
        self._amender = Amender(definitions, self._writer.zones)
        self.index = Index(definitions, self._writer.zones)

    @classmethod
    def load(cls, folders: Sequence[Path] = ()) -> "Record":
        """A record on the definitions that ship with the product, and the search parameters in `folders` of a site."""
        return cls(SearchDefinitions.load(folders), Validator.load())

    def check(self, writes: Sequence[Write]) -> tuple[Fault, ...]:
        """The warnings of valid content; `Rejected` with all faults of the first resource that is not valid."""
        return self._writer.check(writes)

    def write(
        self,
        tx: Transaction,
        principal: Principal,
        now: datetime,
        writes: Sequence[Write | Prepared],
        *,
        validate: bool = True,
        audit: bool = True,
        audit_each: bool = False,
    ) -> list[Written]:
        """All writes are stored, findable, in the change feed and audited, or none is. Answers in the order asked.
        The trail has one entry for the set, with `audit_each` one for each write.

        An update with the content that stands already is UNCHANGED and makes no version. `Rejected` names the faults,
        `PreconditionFailed` a stale `if_match`, `Conflict` an id that is taken. `validate=False` is for content that
        was checked already, and may be what `ahead` made of it.
        """
        if not writes:
            return []
        if validate:
            self._writer.check([one.write if isinstance(one, Prepared) else one for one in writes])
        begun = self.begin(tx, writes)
        written = self.carry_out(tx, principal, now, begun, audit=audit, audit_each=audit_each)
        tx.send()
        return written

    def ahead(self, tx: Transaction) -> Callable[[Sequence[Write]], list[Prepared]]:
        """What makes content and index rows of valid writes of this tenant before their transaction begins, in whatever
        thread: `Rejected` where `write` would say so. They are for `write`."""
        return partial(self._writer.ahead, tx.tenant_id, self._writer.zones.of(tx))

    def begin(self, tx: Transaction, writes: Sequence[Write | Prepared]) -> Begun:
        """The first half of a write: what stands is asked for with what is asked next, and locked. `Rejected` where
        type, id and content of one do not fit together. The content is not checked."""
        self.index.begin(tx)
        return self._writer.begin(tx, writes)

    def carry_out(
        self,
        tx: Transaction,
        principal: Principal,
        now: datetime,
        begun: Begun,
        *,
        audit: bool = True,
        audit_each: bool = False,
    ) -> list[Written]:
        """The second half: what `write` gives, of writes that leave with what is asked next. `Contended` and
        `PreconditionFailed` may come there."""
        written = self._writer.carry_out(tx, now, begun)
        if audit and written:
            for told in [[one] for one in written] if audit_each else [written]:
                reading.audit_written(tx, principal, told)
        return written

    def amend(
        self, tx: Transaction, principal: Principal, now: datetime, amendments: Sequence[Amendment]
    ) -> list[Written] | None:
        """What `write` does with the whole content, where only some elements of valid content change: each a new
        version, findable, in the change feed; one entry in the trail. None, and nothing is written, where one of the
        resources does not stand or has to be written whole."""
        self.index.begin(tx)
        written = self._amender.amend(tx, now, amendments)
        if written:
            reading.audit_written(tx, principal, written)
        return written

    def read(self, tx: Transaction, principal: Principal, resource_type: str, resource_id: str) -> Stored:
        """The current version; `Gone` after a deletion, `NotFound` where there is none. Audited."""
        refuse_wide(tx, principal)
        return reading.read(tx, principal, resource_type, resource_id)

    def read_many(
        self, tx: Transaction, principal: Principal, wanted: Sequence[tuple[str, str]]
    ) -> list[Stored | NotFound | Gone]:
        """What `read` gives or raises for each (type, id), in one query. Each read is audited for itself."""
        return self.read_many_later(tx, principal, wanted)()

    def read_many_later(
        self, tx: Transaction, principal: Principal, wanted: Sequence[tuple[str, str]]
    ) -> Callable[[], list[Stored | NotFound | Gone]]:
        """The same, asked with what is asked next. It must be taken: each read is audited when it is."""
        refuse_wide(tx, principal)
        return reading.read_many_later(tx, principal, wanted)

    def read_version(
        self, tx: Transaction, principal: Principal, resource_type: str, resource_id: str, version: int
    ) -> Stored:
        """One version; `Gone` where it is a deletion, `NotFound` where there is none. Audited."""
        refuse_wide(tx, principal)
        return reading.read_version(tx, principal, resource_type, resource_id, version)

    def history(
        self,
        tx: Transaction,
        principal: Principal,
        resource_type: str | None = None,
        resource_id: str | None = None,
        *,
        count: int = 50,
        since: datetime | None = None,
        at: tuple[datetime, datetime] | None = None,
        cursor: str | None = None,
    ) -> HistoryPage:
        """Versions newest first, of one resource, one type, or everything; `at`: those that were current at some time
        of that half-open window. Audited."""
        refuse_wide(tx, principal)
        window = reading.Window(count=count, since=since, at=at, cursor=cursor)
        return reading.history(tx, principal, resource_type, resource_id, window)

    def chart(self, tx: Transaction, principal: Principal, asked: ChartAsked) -> ChartPage:
        """One page of everything about a patient or an encounter, and what that refers to. Audited."""
        refuse_wide(tx, principal)
        return charts.chart(tx, principal, self.definitions, asked)

    def search(
        self,
        tx: Transaction,
        principal: Principal,
        resource_type: str,
        parameters: Sequence[tuple[str, str]],
        now: datetime,
        *,
        base: str | None = None,
        lenient: bool = False,
        terminology: Asked | None = None,
    ) -> SearchPage:
        """One page of the resources that satisfy all parameters. `Rejected` names a parameter that is not known or
        cannot be answered; a `lenient` search leaves it aside and says so in the page's warnings. Audited with the
        query as asked. `base` is our own FHIR address: references that begin with it are local. `terminology` answers
        `:in`, `:not-in`, `:above` and `:below` on codes; without it they are refused."""
        wide = Wide(resource_types=[resource_type])
        return self.search_wide(
            tx, principal, wide, parameters, now, base=base, lenient=lenient, terminology=terminology
        )

    def search_wide(
        self,
        tx: Transaction,
        principal: Principal,
        wide: Wide,
        parameters: Sequence[tuple[str, str]],
        now: datetime,
        *,
        base: str | None = None,
        lenient: bool = False,
        terminology: Asked | None = None,
    ) -> SearchPage:
        """The same over several types, or inside a compartment."""
        return one_of(
            tx,
            self.searching(tx, principal, wide, parameters, now, base=base, lenient=lenient, terminology=terminology),
        )

    def searching(
        self,
        tx: Transaction,
        principal: Principal,
        wide: Wide,
        parameters: Sequence[tuple[str, str]],
        now: datetime,
        *,
        base: str | None = None,
        lenient: bool = False,
        terminology: Asked | None = None,
    ) -> Steps[SearchPage]:
        """The same in steps, so that the statements of several searches can leave together (`search.all_of`)."""
        refuse_wide(tx, principal)
        asking = Asking(
            principal=principal,
            now=now,
            zone=self._writer.zones.of(tx),
            base=base,
            lenient=lenient,
            terminology=terminology,
        )
        return (yield from searching(tx, asking, self.index.offered(tx), wide, parameters))

    def of_patient(self, tx: Transaction, patient_id: str, types: Sequence[str]) -> list[Stored]:
        """What stands about one patient, of these types. For the engine and flows; not audited."""
        rows = tx.rows(store.SQL["of_patient"], {"patient_id": patient_id, "types": list(types)})
        return [store.stored_of(row) for row in rows]

    def mark_of_patient(self, tx: Transaction, patient_id: str, types: Sequence[str]) -> str:
        """The same text as long as `of_patient` gives the same, another after any change. Not audited."""
        return str(tx.value(store.SQL["mark_of_patient"], {"patient_id": patient_id, "types": list(types)}))

    def mark_of_followers(self, tx: Transaction, resource_type: str, tokens: str) -> str:
        """The same text as long as `follow` gives the same for what `tokens_of` gave, another after any change. Not
        audited."""
        return str(tx.value(store.SQL["mark_of_followers"], {"tokens": tokens, "type": resource_type}))

    def tokens_of(self, tx: Transaction, resource_type: str, tokens: Sequence[tuple[str, str]]) -> str:
        """Those (parameter, value) tokens as one text: who asks for a mark again and again works it out once."""
        return store.array(token_hash(tx.tenant_id, resource_type, name, value) for name, value in tokens)

    def of_patients(self, tx: Transaction, patient_ids: Sequence[str], types: Sequence[str]) -> dict[str, list[Stored]]:
        """The same for a set of patients, by patient id, in one query. Not audited."""
        found: dict[str, list[Stored]] = {patient_id: [] for patient_id in patient_ids}
        for row in tx.rows(store.SQL["of_patients"], {"patient_ids": list(found), "types": list(types)}):
            found[row["patient_id"]].append(store.stored_of(row))
        return found

    def coded_of_patients(
        self, tx: Transaction, patient_ids: Sequence[str], resource_type: str, tokens: Sequence[tuple[str, str]]
    ) -> dict[str, list[Stored]]:
        """Of a set of patients what carries any of these (parameter, value) tokens, in one query. Not audited."""
        hashes = [token_hash(tx.tenant_id, resource_type, name, value) for name, value in tokens]
        asked = {"patient_ids": list(patient_ids), "type": resource_type, "tokens": store.array(hashes)}
        found: dict[str, list[Stored]] = {patient_id: [] for patient_id in patient_ids}
        for row in tx.rows(store.SQL["coded_of_patients"], asked):
            found[row["patient_id"]].append(store.stored_of(row))
        return found

    def patients_with(
        self, tx: Transaction, patient_ids: Sequence[str], types: Sequence[str]
    ) -> Callable[[], list[str]]:
        """Those of some patients about whom anything of these types stands, asked with what is asked next. Internal;
        not audited."""
        if not patient_ids:
            return list
        given = {"patient_ids": list(patient_ids), "types": list(types)}
        asked = tx.later([Statement(store.SQL["patients_with"], given)])
        return lambda: [row["patient_id"] for row in asked.rows[0]]

    def patients_since(self, tx: Transaction, types: Sequence[str], earliest: datetime, since: datetime) -> list[str]:
        """Patients about whom something of these types is dated `earliest` or later, or has no date and was written
        after `since`; by id. Internal; not audited."""
        asked = {"types": list(types), "earliest": earliest, "since": since}
        return [row["patient_id"] for row in tx.rows(store.SQL["patients_since"], asked)]

    def fetch(self, tx: Transaction, references: Sequence[str]) -> dict[str, Stored]:
        """Current versions by `Type/id`; what is missing or deleted is left out. Not audited."""
        pairs = [(kind, identity) for kind, _, identity in (one.partition("/") for one in references) if identity]
        return {stored.reference: stored for stored in store.fetch(tx, pairs)}

    def missing(self, tx: Transaction, references: Sequence[str]) -> list[str]:
        """Those of some references `Type/id` that nothing in the record answers to, deleted ones included."""
        return self.missing_later(tx, references)()

    def missing_later(self, tx: Transaction, references: Sequence[str]) -> Callable[[], list[str]]:
        """The same, asked with what is asked next."""
        wanted = list(dict.fromkeys(references))
        pairs = [(kind, identity) for kind, _, identity in (one.partition("/") for one in wanted)]
        asked = store.existing_later(tx, pairs)

        def missing() -> list[str]:
            standing = {f"{kind}/{identity}" for (kind, identity), gone in asked().items() if not gone}
            return [reference for reference in wanted if reference not in standing]

        return missing

    def follow(self, tx: Transaction, resource_type: str, tokens: Sequence[tuple[str, str]]) -> list[Stored]:
        """Resources of a type that carry any of these (parameter, value) tokens. Internal; not audited.

        A value is `system|code`, `code` or `Type/id`, exactly as `token_hash` takes it.
        """
        hashes = [token_hash(tx.tenant_id, resource_type, name, value) for name, value in tokens]
        rows = tx.rows(store.SQL["follow"], {"tokens": store.array(hashes), "type": resource_type})
        return [store.stored_of(row) for row in rows]

    def verify(self, tx: Transaction, *, since: datetime | None = None) -> list[Finding]:
        """What is wrong in this tenant's record: version gaps, feed gaps, an index that disagrees with the bodies (with
        `since`: of what was written from then on)."""
        return verifying.verify(tx, self.definitions, self._writer.zones, since=since)


def refuse_wide(tx: Transaction, principal: Principal) -> None:
    """Nothing happens where the transaction sees no more than the principal may; else `NotPermitted`: whatever opened
    it is not made for narrowed principals."""
    if principal.sight is not None and tx.sight != principal.sight.settings:
        raise NotPermitted("this is not for an app that sees a part of the record only")
