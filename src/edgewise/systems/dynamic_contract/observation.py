"""What a policy sees and decides, number by number, and what reads its decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from edgewise.environments.fields import Field, compact
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract
from edgewise.systems.dynamic_contract.model import Network
from edgewise.systems.dynamic_contract.network import dbm_to_watt
from edgewise.systems.dynamic_contract.projection import project
from edgewise.systems.dynamic_contract.sampling import PERIODS


def fields(environment: DynamicContract) -> tuple[Field, ...]:
    """The parts of `DynamicContract.observe`, in their order."""
    kinds, space = environment.config.types, environment.observation_space
    parts = (
        ("servers", "1", (), "N"),
        ("types", "1", (), "K"),
        ("unit_cost", "1/J", (), "sigma, cost of a joule"),
        ("power", "dBm", (), "P, transmit power"),
        ("rate", "Mbit/s", (), "r, transmission rate"),
        ("integration_energy", "J", (), "E_C"),
        ("initial", "1", (kinds,), "p^1, probability of each type in period 1"),
        ("transitions", "1", (kinds, kinds), "p^2, row by row: probability of each type after each one"),
        ("willingness", "1", (PERIODS, kinds), "theta of each type in periods 1 and 2"),
    )
    found, start = [], 0
    for name, unit, shape, meaning in parts:
        end = start + int(np.prod(shape))
        low, high = compact(space.low[start:end]), compact(space.high[start:end])
        found.append(Field(name, unit, low, high, shape, meaning=meaning))
        start = end
    return tuple(found)


def action_fields(environment: DynamicContract) -> tuple[Field, ...]:
    """The parts of an action, in their order: rounds, from -1 for none to 1 for the most."""
    kinds, half = environment.config.types, environment.config.hardware.max_rounds / 2
    later = (kinds,) if environment.config.shared else (kinds, kinds)
    return (
        Field("first_rounds", "round", -1.0, 1.0, (kinds,), half, half, "T^1 of each type"),
        Field(
            "second_rounds", "round", -1.0, 1.0, later, half, half, "T^2 after each first type, or after any if shared"
        ),
    )


def decoder(config: DynamicContractConfig) -> Callable[[Any, Any], dict[str, Any]]:
    """Reads an action as a menu.

    Returns:
        `read(action, observation)`: the rounds that the action asks for, `first_rounds` [K] and `second_rounds` [K, K]. With the
        observation, rounds and rewards of the feasible menu made from them, `first_rewards` [K] and `second_rewards` [K, K] too.
    """
    environment = DynamicContract(config)

    def read(action: Any, observation: Any) -> dict[str, Any]:
        rounds = environment.rounds_of(jnp.asarray(action))
        if observation is None:
            return {"first_rounds": rounds[0], "second_rounds": rounds[1]}
        menu = project(network(config, observation), rounds).contract
        return {
            "first_rounds": menu.rounds[0],
            "second_rounds": menu.rounds[1],
            "first_rewards": menu.rewards[0],
            "second_rewards": menu.rewards[1],
        }

    return read


def network(config: DynamicContractConfig, observation: Any) -> Network:
    """The network state that an observation shows: the inverse of `DynamicContract.observe`."""
    kinds = config.types
    seen = jnp.asarray(observation)
    initial, transitions, types = jnp.split(seen[6:], [kinds, kinds + kinds**2])
    return Network(
        types=types.reshape(PERIODS, kinds),
        initial=initial,
        transitions=transitions.reshape(PERIODS - 1, kinds, kinds),
        servers=seen[0],
        alpha=jnp.asarray(config.alpha, dtype=float),
        beta=jnp.asarray(config.beta, dtype=float),
        unit_cost=seen[2],
        power=dbm_to_watt(seen[3]),
        rate=1e6 * seen[4],
        integration_energy=seen[5],
        hardware=config.hardware,
    )
