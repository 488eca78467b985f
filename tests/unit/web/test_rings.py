"""The ring: segments are proof, and colour is never the only sign."""

from careloop.loops.model import ClockState
from careloop.web.rings import closed_ring, open_ring


def test_each_step_is_one_segment_and_proof_fills_from_the_top() -> None:
    ring = open_ring(ClockState.DUE_SOON, (False, True, False, True))
    assert [on for _, on in ring.arcs] == [True, True, False, False]
    assert ring.name == "Due soon. 2 of 4 steps have proof"


def test_every_clock_state_has_its_own_look_and_word() -> None:
    rings = [open_ring(state, (False,)) for state in ClockState]
    assert len({ring.look for ring in rings}) == len(ClockState)
    assert len({ring.name for ring in rings}) == len(ClockState)


def test_more_than_eight_steps_are_drawn_as_eight() -> None:
    assert len(open_ring(ClockState.ON_TIME, (False,) * 12).arcs) == 8


def test_a_loop_closed_without_proof_does_not_look_like_one_closed_by_proof() -> None:
    assert closed_ring(proven=True, segments=(True,)).look != closed_ring(proven=False, segments=(True,)).look
