"""Rewards that make a menu work, and whether it does: EDMSAC paper, Definitions 1-2, Theorems 1-4; H periods.

Truth in a period compares a server's utility over this and all later periods with what any other item of the period's menu
would bring it, given its own outlook on later types. Later on it tells the truth: there the menu makes that best whatever
it has said before, so one misreport at a time is all that has to be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from edgewise.systems.dynamic_contract.model import Contract, Histories, Network, server_utility, truthful_utilities

Outlook = Float[Array, "*h k k"]
"""beta times the expected later utility, at [..., l, k] of a server of type k that reports l in this period."""
Rule = Callable[[Network, Float[Array, " k"], Float[Array, "*h k"], Outlook], Float[Array, "*h k"]]
"""`rule(network, types, rounds, outlook) -> rewards` of one period."""

TOLERANCE = 1e-6
"""A constraint counts as met if it misses by less than this part of the cost of `max_rounds` rounds."""


def no_outlook(rounds: Float[Array, "*h k"]) -> Outlook:
    """The outlook in the last period: nothing follows."""
    return jnp.zeros((*rounds.shape, rounds.shape[-1]), rounds.dtype)


def outlook(network: Network, period: int, later: Float[Array, "*h k k"]) -> Outlook:
    """The outlook in `period` (from 0) from the utilities over all later periods."""
    expected = jnp.einsum("...lj,kj->...lk", later, network.transitions[period])
    return network.beta * expected


def chained_rewards(
    network: Network, types: Float[Array, " k"], rounds: Float[Array, "*h k"], ahead: Outlook
) -> Float[Array, "*h k"]:
    """Rewards with the lowest type at utility 0 and each type indifferent to the item below its own.

    Without an outlook that is (35) of Theorem 2; with one it solves (38) and (39), which is (40) of Theorem 4 with the
    first factor of Phi_j as 1 / theta_l - 1 / theta_(l+1), see (B-7). The rewards are linear in the rounds.
    """
    first = (network.round_cost * rounds[..., :1] + network.fixed_cost) / types[0]
    own = jnp.diagonal(ahead, axis1=-2, axis2=-1)[..., 1:]
    below = jnp.diagonal(ahead, offset=1, axis1=-2, axis2=-1)
    steps = (network.round_cost * jnp.diff(rounds) + below - own) / types[1:]
    return jnp.concatenate([first, first + jnp.cumsum(steps, axis=-1)], axis=-1)


def least_rewards(
    network: Network, types: Float[Array, " k"], rounds: Float[Array, "*h k"], ahead: Outlook
) -> Float[Array, "*h k"]:
    """The least rewards at which every type takes part and tells the truth, given the rounds and what follows.

    Each constraint asks for a least difference of two rewards, so they are longest paths. If none exist (a circle of
    differences that adds up to more than 0), the result violates a constraint.
    """
    own = jnp.diagonal(ahead, axis1=-2, axis2=-1)
    apart = network.round_cost * (rounds[..., :, None] - rounds[..., None, :])  # of the own item from the one reported
    needed = (apart + jnp.swapaxes(ahead, -1, -2) - own[..., :, None]) / types[:, None]
    rewards = (network.round_cost * rounds + network.fixed_cost) / types
    for _ in range(len(types)):
        rewards = jnp.maximum(rewards, (rewards[..., None, :] + needed).max(axis=-1))
    return rewards


def complete(network: Network, rounds: Histories, rule: Rule) -> Contract:
    """The menu with these rounds and the rewards of a rule, from the last period to the first."""
    rewards: list[Array] = []
    later: Array | None = None
    for period in reversed(range(network.periods)):
        types = network.types[period]
        ahead = no_outlook(rounds[period]) if later is None else outlook(network, period, later)
        rewards.insert(0, rule(network, types, rounds[period], ahead))
        own = jnp.diagonal(ahead, axis1=-2, axis2=-1)
        later = server_utility(network, types, rounds[period], rewards[0]) + own
    return Contract(rounds, tuple(rewards))


def optimal_rewards(network: Network, rounds: Histories) -> Contract:
    """The menu of Theorems 2 and 4 for given rounds; `check` finds whether it is feasible."""
    return complete(network, rounds, chained_rewards)


def truth_slack(network: Network, contract: Contract) -> Histories:
    """By how much the truth beats a misreport, per period over [..., type, report], 0 on the diagonal: (14), (37)."""
    slacks: list[Array] = []
    later: Array | None = None
    for period in reversed(range(network.periods)):
        rounds, rewards = contract.rounds[period], contract.rewards[period]
        ahead = no_outlook(rounds) if later is None else outlook(network, period, later)
        types = network.types[period][:, None]
        reported = server_utility(network, types, rounds[..., None, :], rewards[..., None, :])
        total = reported + jnp.swapaxes(ahead, -1, -2)
        later = jnp.diagonal(total, axis1=-2, axis2=-1)
        slacks.insert(0, later[..., None] - total)
    return tuple(slacks)


class Feasibility(eqx.Module):
    """Slack of every constraint of a menu, in utility; negative where it fails.

    Attributes:
        rationality: utility of the truth in each period, over histories: (13), (36).
        truth: by how much the truth beats each misreport, over histories with the report as a further axis; infinite
            where the report is the truth: (14), (37).
        monotonicity: least rise of rounds or rewards from each type to the next, per period, as the cost of that many
            rounds or as the reward. Period 1 need not be monotone: Lemmas 7 and 8 are not necessary.
        scale: cost of `max_rounds` rounds, with which slacks are compared.
    """

    rationality: Histories
    truth: Histories
    monotonicity: Histories
    scale: Float[Array, ""]

    def groups(self) -> dict[str, Array]:
        """Slacks by name, periods counted from 1."""
        last = len(self.truth)
        truth = {f"intertemporal_compatibility_{period}": slack for period, slack in enumerate(self.truth[:-1], 1)}
        return {
            **{f"individual_rationality_{period}": slack for period, slack in enumerate(self.rationality, 1)},
            **truth,
            f"incentive_compatibility_{last}": self.truth[-1],
            **{f"monotonicity_{period}": slack for period, slack in enumerate(self.monotonicity, 1)},
        }

    def worst(self) -> dict[str, Float[Array, ""]]:
        """Least slack of each group; infinite for a group without constraints."""
        return {name: jnp.min(slack, initial=jnp.inf) for name, slack in self.groups().items()}

    def shortfall(self) -> Float[Array, ""]:
        """By how much the worst constraint on participation or truth fails; 0 if none does."""
        slacks = [jnp.min(slack) for slack in (*self.rationality, *self.truth)]
        return jnp.maximum(0.0, -jnp.min(jnp.stack(slacks)))

    def feasible(self, tolerance: float = TOLERANCE) -> Bool[Array, ""]:
        """Whether every type takes part and tells the truth in every period, up to a part `tolerance` of `scale`."""
        return self.shortfall() <= tolerance * self.scale


@dataclass(frozen=True)
class Failure:
    """A constraint that fails.

    Attributes:
        group: as in `Feasibility.groups`.
        place: types from 1: those before, the own one and, for the truth, the one reported.
        shortfall: by how much.
    """

    group: str
    place: tuple[int, ...]
    shortfall: float


def check(network: Network, contract: Contract) -> Feasibility:
    """Every constraint by brute force, over all histories and all pairs of types."""
    truth = []
    for slack in truth_slack(network, contract):
        diagonal = jnp.eye(network.kinds, dtype=bool)
        truth.append(jnp.where(diagonal, jnp.inf, slack))
    monotonicity = [
        jnp.minimum(network.round_cost * jnp.diff(rounds), jnp.diff(rewards))
        for rounds, rewards in zip(contract.rounds, contract.rewards, strict=True)
    ]
    scale = network.round_cost * network.hardware.max_rounds
    return Feasibility(truthful_utilities(network, contract), tuple(truth), tuple(monotonicity), scale)


def failures(report: Feasibility, tolerance: float = TOLERANCE) -> list[Failure]:
    """The constraints that fail by more than a part `tolerance` of the report's scale, the worst of each group first."""
    found = []
    for group, slack in report.groups().items():
        short = -np.asarray(slack) - tolerance * float(report.scale)
        places = list(zip(*np.nonzero(short > 0), strict=True))
        for place in sorted(places, key=lambda place: -short[place]):
            named = tuple(int(index) + 1 for index in place)
            found.append(Failure(group, named, -float(np.asarray(slack)[place])))
    return found
