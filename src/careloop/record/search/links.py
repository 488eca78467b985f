"""Following references inside SQL, in both directions.

A resource carries `self`, the hash of its own name. The token of a reference to it is that hash XOR the hash of the
parameter, so the tokens of everything that refers to it can be computed where it stands. The other way round `refs`
says where to look, and the same token says whether it was this parameter that referred. The subqueries that compute
tokens end in `offset 0`: an expression that is not leak-proof could not drive an index under row-level security.
"""

from collections.abc import Iterable, Sequence

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.record.search.sql import Sql, chain

NOTHING = Sql("select null::bigint where false")

_TO = """
select link.key
  from (select %s::bigint # resource.self as token from resource where
"""
_TO_END = "offset 0) as target join resource_token as link on link.token = target.token"

_FROM = """
select resource.key
  from (select substr(named.ref, %s) as id, source.tokens
          from (select resource.refs, resource.tokens from resource where
"""
_FROM_END = """
offset 0) as source
         cross join lateral unnest(source.refs) as named (ref)
         where starts_with(named.ref, %s)
        offset 0) as link
  join resource on resource.type = %s and resource.id = link.id
 where %s::bigint # resource.self = any (link.tokens) and not resource.deleted
"""


def permitted(principal: Principal, types: Iterable[str]) -> frozenset[str]:
    """The types among these that the principal may search."""
    return frozenset(one for one in types if may(principal, "search", one))


def referring(field: int, where: Sql) -> Sql:
    """The keys of resources whose reference `field` names a resource for which `where` holds."""
    return chain(Sql(_TO, (field,)), where, _TO_END)


_HERE = """
exists (select
          from (select %s::bigint # resource.self as token offset 0) as here
          join resource_token as link on link.token = here.token
         where link.key in (
"""


def refers_here(field: int, keys: Sql) -> Sql:
    """A test on the row: the `field` of one of the resources of `keys` names it. For few rows."""
    return chain(Sql(_HERE, (field,)), keys, "))")


def referred(field: int, resource_type: str, where: Sql) -> Sql:
    """The keys of resources of the type that are named by the `field` of a resource for which `where` holds."""
    values: Sequence[object] = (f"{resource_type}/", resource_type, field)
    return chain(Sql(_FROM, (len(resource_type) + 2,)), where, Sql(_FROM_END, tuple(values)))
