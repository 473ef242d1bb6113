"""What each piece of information is worth: look-aheads with parts of their belief replaced by the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from edgewise.environments.system import Reference
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.knowledge import Knowledge
from edgewise.systems.agent_migration.look_ahead import LookAhead, RememberingLookAhead
from edgewise.systems.agent_migration.references import FILTERING, TRUSTING

PARTS: dict[str, dict[str, Any]] = {
    "attacks": {"attacks": "truth"},
    "volumes": {"volumes": "truth"},
    "copies": {"copies": "truth"},
    "speeds": {"pace": "truth"},
}
"""Parts of a belief, and the knowledge that replaces them by the truth."""
LATE: dict[str, dict[str, Any]] = {
    "targets": {"attacks": "targets"},
    "attacks, one slot late": {"attacks": "late"},
}
"""Parts of the truth about attacks: whom the attacker has chosen, and all that happened up to the last slot."""


def ablation(environment: AgentMigration) -> dict[str, Reference]:
    """Look-aheads that know more and more, by name.

    "look-ahead", "filtering-look-ahead" and "far-sighted-look-ahead" as they are; "... + PART" with one part of the belief
    replaced by the truth, "... + all" with all of them. The ones that filter also come with parts of the truth about
    attacks: "+ targets" and "+ attacks, one slot late", the best that any filter can come to. "+ all, attacks one slot late"
    is then what knowledge of the past could bring at most, and only foresight brings what it lacks of "+ all".

    Args:
        environment: the system they act in.
    """
    rules: dict[str, tuple[Knowledge, Literal["worthwhile", "lasting"]]] = {
        "look-ahead": (TRUSTING, "worthwhile"),
        "filtering-look-ahead": (FILTERING, "worthwhile"),
        "far-sighted-look-ahead": (FILTERING, "lasting"),
    }
    everything = {field: value for part in PARTS.values() for field, value in part.items()}
    policies: dict[str, Reference] = {}
    for name, (knowledge, defence) in rules.items():
        parts: dict[str, dict[str, Any]] = (
            {"": {}} | PARTS | (LATE if knowledge.remembers else {}) | {"all": everything}
        )
        if knowledge.remembers:
            parts["all, attacks one slot late"] = everything | {"attacks": "late"}
        for part, truth in parts.items():
            known = replace(knowledge, **truth)
            kind = RememberingLookAhead if known.remembers else LookAhead
            policies[f"{name} + {part}" if part else name] = kind(environment, known, defence)
    return policies
