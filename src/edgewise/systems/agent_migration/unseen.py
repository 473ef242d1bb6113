"""Groups of fields of the entities that a policy is not shown, to find out what they are worth: their numbers are 0."""

from __future__ import annotations

from collections.abc import Collection

import jax.numpy as jnp
from jaxtyping import Array

GROUPS = {
    "plan": {"units": {"planned_defence"}, "pairs": {"expected", "expected_root", "regret", "planned"}},
    "belief": {
        "units": {
            "not_a_target", "idle", "reconnaissance", "attacked", "attacked_next", "expected_saving", "lasting_saving",
        },
    },
    "reputations": {
        "units": {"trust", "latest", "latest_before", "lowest", "highest", "average"},
        "pairs": {"trust", "distrusted", "latest", "change", "trust_before"},
    },
    "next-positions": {"pairs": {"distance_next", "reach_next", "nearest_next", "radio_next"}},
    "own-speeds": {"vehicles": {"speed"}, "pairs": {"distance_own", "reach_own", "radio_own"}},
    "last-slot": {
        "vehicles": {"fell_back", "moved"},
        "units": {"defended"},
        "pairs": {"distance_before", "target_before"},
    },
    "load": {"units": {"load", "expected_load", "excess_load", "served"}, "pairs": {"load"}},
}  # fmt: skip
"""Fields by group and entity: the far-sighted plan with its costs; what the filter believes of attacks; reputations and what is
remembered of them; where vehicles are expected; the same at their own speed; what was decided and where everyone was in the
last slot; processor time that waits. The plan is made of all of them, so that a group hidden alone still speaks through it."""


def without(observation: dict[str, dict[str, Array]], groups: Collection[str]) -> dict[str, dict[str, Array]]:
    """The observation with the fields of these groups at 0, flags at false.

    Args:
        observation: of entities.
        groups: names in `GROUPS`.
    """

    def hidden(entity: str, field: str) -> bool:
        return any(field in GROUPS[group].get(entity, ()) for group in groups)

    return {
        entity: {field: jnp.zeros_like(x) if hidden(entity, field) else x for field, x in fields.items()}
        for entity, fields in observation.items()
    }
