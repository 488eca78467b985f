"""How loops and steps are named. The same matter has the same id whoever finds it first (engine.md §1.5)."""

from functools import lru_cache

from careloop.fhir.ids import derived_id


def loop_id(tenant_id: int, pathway: str, focus: str, matter: str) -> str:
    """Id of a loop and of its `Task`. It does not hold the patient, so that a merge moves the loop."""
    return derived_id(tenant_id, "loop", pathway, focus, matter)


@lru_cache(maxsize=8192)
def step_task_id(loop: str, step_id: str) -> str:
    """Id of the `Task` of one step of the loop with id `loop`. A client names it in `basedOn` or `partOf`."""
    return derived_id(loop, "step", step_id)
