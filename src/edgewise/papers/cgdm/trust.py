"""Figure 10 of the CGDM paper: reputations over an episode with a known attack."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from edgewise.drawing.style import styled
from edgewise.environments import registry
from edgewise.environments.episode import record_episode
from edgewise.environments.system import Policy
from edgewise.experiments.cell import Learned
from edgewise.experiments.claims import FAILS, HOLDS, UNDECIDED, notes
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.papers.cgdm.learning import name
from edgewise.policies.artefact import load_policy
from edgewise.policies.learned import LearnedPolicy
from edgewise.statistics.estimates import Estimate, estimate
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.figures import Episode, reputation_figure

SYSTEM = "agent-migration"
RSU, FIRST, LAST = 1, 15, 24
ATTACK = {"attack_frequency": 0.0, "scheduled_attacks": ((RSU, FIRST, LAST),)}
"""One attack on one RSU, and no other."""
QUICKLY = 3
OBVIOUS = 0.1
"""Least difference of reputations, which are between 0 and 1, that can be seen in the figure."""
SEED = 1_000_003
MOMENTS = {"before": FIRST, "after 1 slot": FIRST + 1, "after 2": FIRST + 2, "after 4": FIRST + 4, "at its end": LAST + 1,
           "4 slots later": LAST + 5}  # fmt: skip
"""Columns of the table to the slot at whose start the reputation is read."""


@styled()
def reputations(results: Results) -> Output:
    """Fig. 10: what becomes of every RSU's reputation when one of them is attacked."""
    first = results.outcomes[0]
    environment = registry.find(SYSTEM).build_evaluation(first.setting.build())
    threshold = float(environment.parameters.reputation_threshold)
    play = eqx.filter_jit(record_episode)
    states, _, actions = play(environment, _policies(first, environment)[0], jax.random.key(SEED))
    figure, data = reputation_figure(environment, Episode.of(environment, states, actions))
    rows, claims = [], []
    for o in results:
        found = attacked_reputations(environment, _policies(o, environment), results.profile.episodes)
        trusted = found[:, :, FIRST] >= threshold
        slots = _over_units(o, np.ma.array(slots_to_fall(found, threshold), mask=~trusted))
        spread = _over_units(o, np.ma.array(np.ptp(found[:, :, FIRST], axis=-1, keepdims=True)))
        rows.append(
            {"policy": name(o.label)}
            | {column: f"{found[:, :, slot].mean():.2f}" for column, slot in MOMENTS.items()}
            | {
                "trusted before": f"{trusted.mean():.0%}",
                "slots until below": slots.text(1),
                "spread over users before": spread.text(2),
            }
        )
        who = name(o.label)
        claims += [
            Claim(
                f"Under {who}, the attacked RSU's reputation falls below the threshold within {QUICKLY} slots, user by user",
                HOLDS if slots.high <= QUICKLY else FAILS if slots.low > QUICKLY else UNDECIDED,
                f"after {slots.text(1)} slots on average",
                "quickly",
            ),
            Claim(
                f"Under {who}, users differ in their trust before the attack, by more than {OBVIOUS:g}",
                HOLDS if spread.low > OBVIOUS else FAILS if spread.high < OBVIOUS else UNDECIDED,
                f"highest less lowest reputation of the RSU {spread.text(2)}",
                "obvious differences",
            ),
        ]
    said = notes(
        results,
        f"No attacks but one, on RSU {RSU} in slots {FIRST} to {LAST}; the paper does not tell its attacks. Policies are "
        "trained in the default system.",
        f"Figure: one episode of {name(first.label)}, seed 0. A defence (tick) that succeeds keeps the attack off for that "
        "slot, and reputation with it. Nearest next never defends.",
        "Table: mean reputation of the attacked RSU over users, episodes and seeds at the start of a slot; users who trusted it "
        f"before; slots until their reputation of it is below {threshold:g} ({LAST - FIRST + 1}, the attack's, where it never "
        "is).",
    )
    return Output(figure, data, pd.DataFrame(rows), tuple(claims), said)


def attacked_reputations(
    environment: AgentMigration, policies: list[Policy | LearnedPolicy], episodes: int
) -> np.ndarray:
    """Reputation of the attacked RSU for each user at the start of each slot [policies, episodes, slots, users]."""
    keys = jax.random.split(jax.random.key(SEED), episodes)

    @eqx.filter_jit
    def play(policy: Policy | LearnedPolicy) -> jax.Array:
        return jax.vmap(lambda key: record_episode(environment, policy, key)[0].reputation[..., RSU])(keys)

    return np.stack([np.asarray(play(policy), float) for policy in policies])


def slots_to_fall(reputation: np.ndarray, threshold: float) -> np.ndarray:
    """Slots from the attack's first until a user's reputation is below the threshold; at most the attack's length.

    Args:
        reputation: [policies, episodes, slots, users].
        threshold: B_thre.

    Returns:
        [policies, episodes, users].
    """
    below = reputation[:, :, FIRST + 1 : LAST + 2] < threshold
    length = below.shape[2]
    return np.where(below.any(axis=2), below.argmax(axis=2) + 1.0, length)


def _over_units(outcome: Outcome, values: np.ndarray) -> Estimate:
    """Over seeds of a learner, or over episodes of a policy that was not trained; `values` [policies, episodes, users]."""
    units = np.ma.asarray(values.mean(axis=(1, 2) if outcome.learned else (0, 2))).compressed()
    return estimate([units], outcome.centre) if units.size else Estimate(np.nan, np.nan, np.nan)


def _policies(outcome: Outcome, environment: AgentMigration) -> list[Policy | LearnedPolicy]:
    if not isinstance(outcome.player, Learned):
        return [registry.find(SYSTEM).references(environment, (outcome.label,))[outcome.label]]
    seeds = range(outcome.player.run.training.seeds)
    return [LearnedPolicy(load_policy(outcome.policy_folder(seed)).policy) for seed in seeds]
