"""Readers of the change feed: each change once, in order, whoever else writes or reads."""

from tests.integration.record.conftest import NOW

from careloop.record import Write, cursors
from careloop.record.cursors import Reader

_SEEN = "select seq, id from change_feed where seq > %(after)s and seq <= %(through)s order by seq limit %(limit)s"


def save(chart, tx, name):
    patient = {"resourceType": "Patient", "id": name}
    write = Write(method="update", resource_type="Patient", id=name, resource=patient)
    chart.record.write(tx, chart.principal, NOW, [write])


def read(chart, reader=Reader.TRAITS, limit=10):
    """Ids that one pass reads."""
    with chart.database.transaction(chart.tenant.id) as tx:
        window = cursors.open_window(tx, reader)
        if window is None:
            return []
        rows = tx.rows(_SEEN, {"after": window.after, "through": window.through, "limit": limit})
        cursors.move_on(tx, window, rows[-1]["seq"] if len(rows) == limit else None)
    return [row["id"] for row in rows]


def read_all(chart, **how):
    """Passes until nothing comes twice in a row, as the worker makes them."""
    found, empty = [], 0
    while empty < 3:
        seen = read(chart, **how)
        found += seen
        empty = 0 if seen else empty + 1
    return found


def is_behind(chart, reader=Reader.TRAITS):
    with chart.database.transaction(chart.tenant.id) as tx:
        return cursors.is_behind(tx, reader)


def test_each_reader_reads_every_change_once_and_in_order(chart):
    names = [f"p{number}" for number in range(7)]
    for name in names:
        chart.put({"resourceType": "Patient", "id": name})
    assert is_behind(chart)
    assert read_all(chart, limit=3) == names
    assert not is_behind(chart)
    assert is_behind(chart, Reader.MEDICINES)
    chart.put({"resourceType": "Patient", "id": "late"})
    assert read_all(chart, limit=3) == ["late"]
    assert read_all(chart, reader=Reader.MEDICINES) == [*names, "late"]


def test_a_number_that_was_given_out_and_cannot_be_seen_yet_is_waited_for(chart):
    chart.put({"resourceType": "Patient", "id": "first"})
    assert read_all(chart) == ["first"]
    with chart.database.transaction(chart.tenant.id) as slow:
        save(chart, slow, "slow")
        with chart.database.transaction(chart.tenant.id) as quick:
            save(chart, quick, "quick")
        assert read_all(chart) == []
    assert read_all(chart) == ["slow", "quick"]


def test_two_workers_never_read_the_same_window(chart):
    chart.put({"resourceType": "Patient", "id": "one"})
    read(chart)
    with chart.database.transaction(chart.tenant.id) as tx:
        assert cursors.open_window(tx, Reader.TRAITS) is not None
        assert read(chart) == []
    assert read_all(chart) == ["one"]


def test_a_reader_who_begins_later_reads_what_came_after(chart):
    chart.put({"resourceType": "Patient", "id": "before"})
    with chart.database.transaction(chart.tenant.id) as tx:
        [newest] = tx.rows("select max(seq) as seq from change_feed")
        assert cursors.open_window(tx, Reader.SUBSCRIPTIONS, begin=newest["seq"]) is None
    chart.put({"resourceType": "Patient", "id": "after"})
    assert read_all(chart, reader=Reader.SUBSCRIPTIONS) == ["after"]
    with chart.database.transaction(chart.tenant.id) as tx:
        cursors.forget(tx, Reader.SUBSCRIPTIONS)
    assert read_all(chart, reader=Reader.SUBSCRIPTIONS) == ["before", "after"]
