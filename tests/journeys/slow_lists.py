"""What lists of owners must show, looked up step by step: the slow reckoning that quick lists are held against."""

from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.journeys.practice import Practice

from careloop.flows import engine
from careloop.loops import worklist
from careloop.loops.rules.rank import rank_days

_OPEN = "('requested', 'accepted', 'in-progress', 'on-hold')"
_HELD = f"""
select distinct on (work.loop_id) work.loop_id::text as loop_id, work.step_id, work.due, work.waiting
  from (select s.loop_id, s.step_id, s.due, (s.clock = 'waiting' or s.status = 'on-hold') as waiting, 1 as tier,
               s.position
          from loop_step as s
         where s.owner = any(%(owners)s) and s.status in {_OPEN}
         union all
        select l.id, l.next_step, l.next_due, true, 2, 0
          from loop as l
         where l.owner = any(%(owners)s) and l.status in {_OPEN}
         union all
        select e.loop_id, e.step_id, s.due, false, 0, s.position
          from escalation as e
          join loop_step as s on s.tenant_id = e.tenant_id and s.loop_id = e.loop_id and s.step_id = e.step_id
         where e.to_owner = any(%(owners)s) and e.stands and s.status in {_OPEN}) as work
 order by work.loop_id, work.tier, work.waiting, work.due, work.position"""
_HOLDERS = """
select owner from loop union select owner from loop_step union select to_owner from escalation order by 1"""


def check(practice: Practice) -> int:
    """The list of each owner, and of each two who stand for one another, is what the slow reckoning finds; how many
    rows were compared."""
    now, zone = practice.app.clock.now(), practice.tenant.zone
    asked = worklist.Asked(
        owners=(), pathway=None, snoozed=False, days=rank_days(now, ZoneInfo(zone)), zone=zone,
        weights=engine.rank_weights(practice.app.catalog), limit=1000,
    )  # fmt: skip

    def compare(tx) -> int:
        rows = 0
        holders = [row["owner"] for row in tx.rows(_HOLDERS)]
        for owners in [*([one] for one in holders), *map(list, pairwise(holders))]:
            pages = [worklist.page(tx, replace(asked, owners=owners, snoozed=snoozed)) for snoozed in (False, True)]
            found = sorted((one.loop_id, one.step_id, one.due, one.waiting) for page in pages for one in page)
            assert found == sorted(tuple(row.values()) for row in tx.rows(_HELD, {"owners": owners}))
            rows += len(found)
        return rows

    return practice.run(compare)
