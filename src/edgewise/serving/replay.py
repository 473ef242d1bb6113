"""What another policy would have decided: the inputs of decisions, asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgewise.common.errors import EdgewiseError
from edgewise.common.packed import flat
from edgewise.environments.spaces import MASK
from edgewise.policies.artefact import PolicyArtefact
from edgewise.policies.description_file import ArtefactError
from edgewise.policies.protocol import core
from edgewise.serving.decision_files import ACTION, Decision, tree_of

SAME = 1e-6
"""Relative and absolute difference up to which numbers of an action are the same."""


@dataclass
class Agreement:
    """How two policies have decided on the same inputs.

    Attributes:
        decisions: that were asked again.
        same: those in which all of the action is the same.
        degraded: those that the reference rule had given.
        not_taken: those whose input the policy does not take.
        entries, same_entries: of every part of the action: numbers, and those that are the same.
        difference: sum of the sizes of differences in every part that holds real numbers.
        by_policy: decisions of each policy that had given them, and how many are the same.
    """

    decisions: int = 0
    same: int = 0
    degraded: int = 0
    not_taken: int = 0
    entries: dict[str, int] = field(default_factory=dict)
    same_entries: dict[str, int] = field(default_factory=dict)
    difference: dict[str, float] = field(default_factory=dict)
    by_policy: dict[str, tuple[int, int]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON; shares are of 1."""
        parts = {
            name: {
                "agreement": self.same_entries[name] / count if count else None,
                "mean_difference": self.difference[name] / count if count and name in self.difference else None,
            }
            for name, count in self.entries.items()
        }
        return {
            "decisions": self.decisions,
            "agreement": self.same / self.decisions,
            "parts": parts,
            "degraded": self.degraded,
            "not_taken": self.not_taken,
            "policies": {
                policy: {"decisions": count, "agreement": same / count}
                for policy, (count, same) in self.by_policy.items()
            },
        }


def replay(artefact: PolicyArtefact, decisions: Iterable[Decision], tell: Callable[[int], None]) -> Agreement:
    """Ask a policy what others have decided.

    Args:
        artefact: the policy.
        decisions: of others, or its own; those of other systems are left out.
        tell: called with how many were read.

    Raises:
        EdgewiseError: if none of them is of the policy's system, or it takes none of their inputs.
    """
    agreement, reason, systems = Agreement(), "", set()
    for number, decision in enumerate(decisions, 1):
        systems.add(str(decision.facts["system"]))
        if decision.facts["system"] == artefact.environment:
            try:
                if not decision.observation:
                    raise ArtefactError("no observation was kept: programs were missing that would have made it")
                seen = tree_of(decision.observation)
                _compare(agreement, decision, flat(artefact.act(seen)), _there(artefact, seen))
            except ArtefactError as error:
                agreement.not_taken += 1
                reason = reason or str(error)
        tell(number)
    if not agreement.decisions:
        told = (
            reason or f"no decisions of {artefact.environment}: they are of {', '.join(sorted(systems)) or 'nothing'}"
        )
        raise EdgewiseError(f"nothing can be asked again: {told}")
    return agreement


def _there(artefact: PolicyArtefact, observation: Any) -> dict[str, Any]:
    """Of parts of an action on sets, which entries are of something that is there: the others are padding."""
    sets = getattr(core(artefact.policy), "sets", None)
    if sets is None:
        return {}
    parts = {sets.choice: sets.rows, sets.switch: sets.columns}
    return {part: np.asarray(observation[name][MASK], bool) for part, name in parts.items() if part is not None}


def _compare(agreement: Agreement, decision: Decision, action: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    alike = sorted(action) == sorted(decision.action)
    for name, mine in action.items():
        theirs, part = decision.action.get(name), name or ACTION
        if theirs is not None and np.shape(theirs) != np.shape(mine):
            theirs = None
        if name in there:
            mine, theirs = mine[there[name]], None if theirs is None else theirs[there[name]]
        equal = np.zeros(np.shape(mine), bool)
        if theirs is not None:
            equal = np.isclose(theirs, mine, rtol=SAME, atol=SAME)
            if np.asarray(mine).dtype.kind == "f":
                size = float(np.abs(np.asarray(theirs, float) - mine).sum())
                agreement.difference[part] = agreement.difference.get(part, 0.0) + size
        agreement.entries[part] = agreement.entries.get(part, 0) + equal.size
        agreement.same_entries[part] = agreement.same_entries.get(part, 0) + int(equal.sum())
        alike &= bool(equal.all())
    agreement.decisions += 1
    agreement.same += alike
    agreement.degraded += bool(decision.facts["degraded"])
    policy = str(decision.facts["policy"])
    count, same = agreement.by_policy.get(policy, (0, 0))
    agreement.by_policy[policy] = count + 1, same + alike
