"""What reputations tell of the attacks: a hidden Markov filter for every unit.

A unit is no target of the attacker, or a target that is idle, under reconnaissance or attacked; it moves among these by
`attack.advance`. Users see whether an attack took effect: the latest reputation of a unit that is hit falls by what its
lost packets take from it (equations (15), (16), (19) and (20)), whoever visits it. What else a reputation is made of
(attitude, norm, efficiency) moves slowly, so the filter remembers it from one slot to the next as the unit's level.

A reconnaissance of more than one slot is taken to end with probability 1 / slots in each: its mean is right. Scheduled
attacks are unknown here. Numbers that are not those of the system were fitted to episodes of training (seed 123456) on
eight systems that differ in size, trust weights, packet loss, severity and forgetting: the filter then takes 0.1 to 0.3% of
the slots of the default system wrongly.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from edgewise.systems.agent_migration.host_records import record_in
from edgewise.systems.agent_migration.parameters import Parameters

NOT_A_TARGET, IDLE, RECONNAISSANCE, ATTACKED = range(4)
"""Columns of the probabilities."""
STEP_WEIGHT = 8.0
"""Log-odds of a hit per packet term by which the latest reputation falls below its level."""
LEVEL_WEIGHT = 26.0
"""Log-odds of a hit per 1 by which the latest reputation falls below that of a unit on which nothing is known."""
BIAS = -3.5
"""Log-odds of a hit midway in both: other falls than those by attacks occur."""
LEAST_GAP = 0.05
"""Packet term below which the evidence loses weight: it drowns in what else moves a reputation."""
CERTAINTY = 7.0
"""Log-odds beyond which no evidence goes: one slot in a thousand misleads."""
TINY = 1e-30
"""Added to probabilities whose logarithm is taken: far below what evidence can make of one within an episode."""
IMPOSSIBLE = -1e4
"""Logarithm of the probability of what cannot be; finite, so that differences of such are numbers."""


class Filter(eqx.Module):
    """What is known of the attacks at the start of a slot.

    Attributes:
        probability: of each unit's state, by its own evidence alone: not a target, idle, reconnaissance, attacked.
        level: latest reputation of each unit without its packet term.
        hit: probability that an attack on it took effect in the slot before.
    """

    probability: Float[Array, "s 4"]
    level: Float[Array, " s"]
    hit: Float[Array, " s"]


def begin(p: Parameters, rsus: int, numbers: Any = jnp) -> Filter:
    """The filter at the start of an episode: so many targets, nobody knows which, and no attack yet.

    Args:
        p: the system.
        rsus: number of units S.
        numbers: see `host_records`.
    """
    kind = p.initial_reputation.dtype
    target = p.attacked_rsus.astype(kind) / rsus
    row = numbers.stack([1 - target, target, numbers.zeros((), kind), numbers.zeros((), kind)])
    values = {
        "probability": numbers.broadcast_to(row, (rsus, 4)),
        "level": numbers.broadcast_to(_neutral_level(p), (rsus,)),
        "hit": numbers.zeros(rsus, kind),
    }
    return record_in(numbers, Filter, values)


def update(p: Parameters, belief: Filter, evidence: Float[Array, " s"], defence: Bool[Array, " s"]) -> Filter:
    """The filter one slot later.

    Args:
        p: the system.
        belief: at the start of the slot.
        evidence: mean over the users of the latest reputation I (20) of each unit, which the slot has brought.
        defence: units that ran a defence in the slot; whether it helped, only the evidence tells.
    """
    hit_odds = jnp.exp(log_likelihood_ratio(p, belief, evidence))
    helped = jnp.where(defence, p.defence_success, 0.0)
    none, idle, reconnaissance, attacked = belief.probability.T
    hit = attacked * (1 - helped) * hit_odds
    defended = (1 - none) * helped
    idle, reconnaissance = (each * (1 - helped) for each in (idle, reconnaissance))

    instant = p.reconnaissance_slots == 0
    over = 1 / jnp.maximum(1, p.reconnaissance_slots)
    following = jnp.stack(
        [
            none,
            hit * p.attack_end_probability
            + idle * (1 - p.attack_frequency)
            + reconnaissance * over
            + jnp.where(instant, defended, 0.0),
            reconnaissance * (1 - over) + jnp.where(instant, 0.0, defended),
            hit * (1 - p.attack_end_probability) + idle * p.attack_frequency,
        ],
        axis=1,
    )
    total = following.sum(axis=1)
    healthy_term, hit_term = packet_terms(p)
    hit = hit / total
    return Filter(following / total[:, None], evidence - healthy_term - (hit_term - healthy_term) * hit, hit)


def states(p: Parameters, belief: Filter) -> Float[Array, "s 4"]:
    """Probabilities of each unit's state, given also that the attacker has exactly `attacked_rsus` targets.

    Given the targets, units are independent; so the chance that a unit is one follows from the units' own evidence by the
    distribution of the number of targets among the others (a Poisson binomial one), which conditioning on their number
    leaves exact.

    Args:
        p: the system.
        belief: at the start of a slot.
    """
    chosen = jnp.log(belief.probability[:, IDLE:].sum(axis=1) + TINY)
    other = jnp.log(belief.probability[:, NOT_A_TARGET] + TINY)
    with_it = chosen + _log_count_of_others(chosen, other, p.attacked_rsus - 1)
    without = other + _log_count_of_others(chosen, other, p.attacked_rsus)
    return states_of(belief, jax.nn.sigmoid(with_it - without))


def states_of(belief: Filter, target: Float[Array, " s"]) -> Float[Array, "s 4"]:
    """Probabilities of each unit's state for one who knows how likely it is that each is a target.

    Args:
        belief: at the start of a slot.
        target: probability that each unit is one.
    """
    active = belief.probability[:, IDLE:]
    weight = active.sum(axis=1)
    share = active / jnp.maximum(weight, TINY)[:, None]
    return jnp.concatenate([1 - target[:, None], target[:, None] * share], axis=1)


def attacked_next(
    p: Parameters, probability: Float[Array, "s 4"], defence: Bool[Array, " s"] | Float[Array, " s"]
) -> Float[Array, " s"]:
    """Probability that each unit is under attack in the next slot.

    Args:
        p: the system.
        probability: of each unit's state in this slot, see `states`.
        defence: units that run a defence in this slot.
    """
    goes_on = probability[:, ATTACKED] * (1 - p.attack_end_probability)
    starts = probability[:, IDLE] * p.attack_frequency
    return (goes_on + starts) * (1 - p.defence_success * defence)


def log_likelihood_ratio(p: Parameters, belief: Filter, evidence: Float[Array, " s"]) -> Float[Array, " s"]:
    """Log-odds that a slot's latest reputations are those of a unit that was hit and not of a healthy one.

    Args:
        p: the system.
        belief: at the start of the slot.
        evidence: see `update`.
    """
    healthy, hit = packet_terms(p)
    gap, middle = healthy - hit, (healthy + hit) / 2
    step = (middle + belief.level - evidence) / jnp.maximum(gap, LEAST_GAP)
    odds = STEP_WEIGHT * step + LEVEL_WEIGHT * (middle + _neutral_level(p) - evidence) + BIAS
    return jnp.clip(odds, -CERTAINTY, CERTAINTY) * jnp.clip(gap / LEAST_GAP, 0.0, 1.0)


def packet_terms(p: Parameters) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """What a healthy unit's expected packets and those of one that is hit add to its latest reputation (20)."""
    weight = p.trust_weights[2] * p.reliability_weight
    return weight * (1 - 2 * p.packet_loss), weight * (1 - 2 * p.attacked_packet_loss)


def _neutral_level(p: Parameters) -> Any:
    """What (20) holds beside packets as long as nobody has been served: the prior means, and efficiency 0.5."""
    prior = p.prior_positive / (p.prior_positive + p.prior_negative)
    return (p.trust_weights[0] + p.trust_weights[1]) * prior + p.trust_weights[2] * (1 - p.reliability_weight) * 0.5


def _log_count_of_others(chosen: Float[Array, " s"], other: Float[Array, " s"], count: Array) -> Float[Array, " s"]:
    """For each unit the logarithm of the probability that exactly `count` of the other ones are targets.

    Args:
        chosen: logarithm of the probability that each unit is a target, by its own evidence.
        other: that it is none.
        count: a whole number.
    """
    units = chosen.shape[0]
    none = jnp.full(units + 1, IMPOSSIBLE).at[0].set(0.0)

    def add(numbers: Float[Array, " n"], unit: tuple[Array, Array]) -> tuple[Array, Array]:
        more = jnp.concatenate([jnp.full(1, IMPOSSIBLE), numbers[:-1]])
        return jnp.logaddexp(unit[1] + numbers, unit[0] + more), numbers

    _, before = jax.lax.scan(add, none, (chosen, other))
    _, after = jax.lax.scan(add, none, (chosen, other), reverse=True)
    rest = count - jnp.arange(units + 1)
    met = jnp.where((rest >= 0) & (rest <= units), after[:, jnp.clip(rest, 0, units)], IMPOSSIBLE)
    return jax.nn.logsumexp(before + met, axis=1)
