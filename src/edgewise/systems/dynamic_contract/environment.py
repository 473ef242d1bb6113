"""The dynamic-contract environment: a menu for each network state (EDMSAC paper, section V-A).

States that are drawn afresh make it a contextual bandit: an action has no effect on the state after it.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.environment import Environment, TimeStep, scalar
from edgewise.environments.spaces import Box
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.model import Histories, Network, period_profits, total_profit
from edgewise.systems.dynamic_contract.projection import project
from edgewise.systems.dynamic_contract.sampling import Latent, draw_latent, drift, network_of
from edgewise.systems.dynamic_contract.theory import check, optimal_rewards


class DynamicContractState(eqx.Module):
    """The network state that waits for a menu.

    Attributes:
        latent: the numbers that it is made of.
        count: menus made so far.
    """

    latent: Latent
    count: Int[Array, ""]


class DynamicContract(Environment[DynamicContractState]):
    """Design a two-period menu for servers of unknown and changing willingness.

    Attributes:
        penalty: lambda of (46).
        config: sizes, options and ranges.
    """

    penalty: Float[Array, ""]
    config: DynamicContractConfig = eqx.field(static=True)

    def __init__(self, config: DynamicContractConfig) -> None:
        """Args: sizes, options and ranges."""
        self.penalty = scalar(config.penalty)
        self.config = config

    @property
    def observation_space(self) -> Box:
        """The state (44), in the units of Table I; see `observe`."""
        config, kinds = self.config, self.config.types
        ranges = (config.unit_cost, config.power_dbm, config.rate_mbps, config.integration_energy)
        low, high = ([bounds[end] for bounds in ranges] for end in (0, 1))
        probabilities = kinds + kinds**2
        edges = np.linspace(*config.willingness, kinds + 1)
        return Box(
            np.array([0, 0, *low, *[0] * probabilities, *edges[:-1], *edges[:-1]], np.float32),
            np.array([2 * config.servers, 2 * kinds, *high, *[1] * probabilities, *edges[1:], *edges[1:]], np.float32),
        )

    @property
    def action_space(self) -> Box:
        """Rounds of each item, T^1 then T^2 by first type, mapped from [-1, 1]; see `rounds_of`."""
        kinds = self.config.types
        size = 2 * kinds if self.config.shared else kinds + kinds**2
        return Box(-np.ones(size, np.float32), np.ones(size, np.float32))

    @property
    def horizon(self) -> int:
        return self.config.episode_states

    def reset(self, key: PRNGKeyArray) -> tuple[DynamicContractState, Float[Array, " o"]]:
        """A first network state."""
        state = DynamicContractState(draw_latent(key, self.config.types), jnp.zeros((), int))
        return state, self.observe(state)

    def step(
        self, key: PRNGKeyArray, state: DynamicContractState, action: Float[Array, " a"]
    ) -> tuple[DynamicContractState, TimeStep]:
        """Take the rounds of an action as a menu, then show the next network state.

        The menu's profit is that of the feasible menu made from it; `printed_profit` is what (35) and (40) give without
        a look at the other constraints, and `infeasible` whether such a menu fails one.
        """
        network, rounds = self.network(state), self.rounds_of(action)
        printed = optimal_rewards(network, rounds)
        report = check(network, printed)
        feasible = project(network, rounds).contract
        profits = period_profits(network, feasible if self.config.project else printed)
        penalty = self.penalty * (action**2).sum()
        terms = {
            "first_period": profits[0] / self.config.reward_unit,
            "second_period": network.beta * profits[1] / self.config.reward_unit,
            "action_penalty": -penalty / self.config.reward_unit,
        }
        if self.config.states == "redrawn":
            latent = draw_latent(key, self.config.types)
        else:
            latent = drift(key, state.latent, self.config.drift)
        next_state = DynamicContractState(latent, state.count + 1)
        info = {
            **terms,
            "profit": total_profit(network, feasible),
            "printed_profit": total_profit(network, printed),
            "infeasible": (~report.feasible()).astype(float),
            "shortfall": report.shortfall(),
        }
        timestep = TimeStep(
            observation=self.observe(next_state),
            reward=sum(terms.values(), start=scalar(0.0)),
            terminated=jnp.zeros((), bool),
            truncated=next_state.count >= self.config.episode_states,
            info=info,
        )
        return next_state, timestep

    def network(self, state: DynamicContractState) -> Network:
        """The network state."""
        return network_of(self.config, state.latent)

    def observe(self, state: DynamicContractState) -> Float[Array, " o"]:
        """[N, K, sigma, P in dBm, r in Mbit/s, E_C, p^1, p^2 row by row, theta^1, theta^2]: (44), 6 + 3K + K^2 numbers."""
        return self.show(self.network(state))

    def show(self, network: Network) -> Float[Array, " o"]:
        """What `observe` gives of a network state, of one that was not drawn too."""
        head = [
            network.servers,
            scalar(self.config.types),
            network.unit_cost,
            10 * jnp.log10(network.power) + 30,
            network.rate / 1e6,
            network.integration_energy,
        ]
        parts = [jnp.stack(head), network.initial, network.transitions.ravel(), network.types.ravel()]
        space = self.observation_space
        return jnp.clip(jnp.concatenate(parts), space.low, space.high)

    def rounds_of(self, action: Float[Array, " a"]) -> Histories:
        """Rounds of both periods: -1 is none, 1 is `max_rounds`; numbers beyond are cut."""
        kinds = self.config.types
        rounds = (jnp.clip(action, -1.0, 1.0) + 1) / 2 * self.config.hardware.max_rounds
        return rounds[:kinds], jnp.broadcast_to(rounds[kinds:].reshape(-1, kinds), (kinds, kinds))

    def action_of(self, rounds: Histories) -> Float[Array, " a"]:
        """The action of a menu's rounds; with `shared`, of the first row of period 2."""
        first, second = rounds
        kept = second[0] if self.config.shared else second.ravel()
        return jnp.concatenate([first, kept]) * 2 / self.config.hardware.max_rounds - 1
