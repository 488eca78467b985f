"""Decisions about referrals: values in, values out. See README.md."""

from careloop.loops.rules.referrals.content import Tables, read_tables
from careloop.loops.rules.referrals.states import ImpossibleMove, move, possible_moves, state_of

__all__ = ["ImpossibleMove", "Tables", "move", "possible_moves", "read_tables", "state_of"]
