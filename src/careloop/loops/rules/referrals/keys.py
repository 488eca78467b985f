"""Words of referrals that pathways ask about: how urgent a request is, which state its fulfilment Task is in."""

from collections.abc import Mapping
from typing import Any

from careloop.loops.rules.referrals import words
from careloop.loops.rules.referrals.content import Tables
from careloop.loops.rules.referrals.states import stage
from careloop.loops.rules.referrals.story import priority_of, state_by_words

Resource = Mapping[str, Any]


def referral_keys(tables: Tables, resource: Resource) -> Mapping[str, str]:
    """`urgency` of a request, `kept` `here` for one that was written here; `referral`, the state of a fulfilment Task,
    and its `stage`; nothing for any other resource."""
    if words.is_referral(resource):
        here = bool(words.extension(resource, words.PRIORITY))
        return {"urgency": priority_of(tables, resource).id, "kept": "here" if here else "elsewhere"}
    if words.is_fulfilment(resource):
        state = state_by_words(tables, resource)
        return {"referral": state, "stage": stage(state)}
    return {}
