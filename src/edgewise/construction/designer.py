"""Who designs the menu: the exact optimum, schemes to compare it with, or a trained policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp

from edgewise.common.errors import ConfigurationError, EdgewiseError, read_from
from edgewise.common.plain import from_plain
from edgewise.construction.contract import Truth, expected_profit, price, whole_rounds
from edgewise.construction.menu import Menu
from edgewise.policies.artefact import load_policy
from edgewise.policies.folders import policy_folder
from edgewise.policies.protocol import initial_memory, step
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract
from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.model import Histories, Network
from edgewise.systems.dynamic_contract.optimum import optimal_contract, precision
from edgewise.systems.dynamic_contract.projection import project, static_rounds
from edgewise.systems.dynamic_contract.sampling import random_contract

OPTIMUM, STATIC, RANDOM = "optimum", "static", "random"
SCHEMES = (OPTIMUM, STATIC, RANDOM)
"""Designers that need no training; every other name is the folder of a run."""


def design(instance: Instance, designer: str = OPTIMUM, truth: Truth = "expected", seed: int = 0) -> Menu:
    """The menu of a designer, with whole rounds.

    With `truth` "always" the rounds of the static menu compete: rewards that make the truth best whatever follows may cost more
    than items that differ by the first report bring in.

    Args:
        instance: the problem.
        designer: "optimum", "static" (items of period 2 alike for all), "random", or the folder of a trained policy.
        truth: see `contract.price`.
        seed: of a random menu.

    Raises:
        ConfigurationError: if a policy was trained for other numbers of types.
        EdgewiseError: if there is no such policy, or no rewards make servers tell the truth.
    """
    network = instance.network()
    with precision(network):
        candidates = list(_candidates(instance, network, designer, truth, seed))
    found: list[Menu] = []
    reason: EdgewiseError | None = None
    for rounds in candidates:
        try:
            found.append(price(instance, whole_rounds(rounds, instance.hardware.max_rounds), truth))
        except EdgewiseError as error:
            reason = error
    if not found:
        assert reason is not None
        raise reason
    return max(found, key=lambda menu: expected_profit(instance, menu))


def _candidates(instance: Instance, network: Network, designer: str, truth: Truth, seed: int) -> Iterator[Histories]:
    """Rounds that a designer wants; more than one where the best ones depend on what the truth costs."""
    if designer == RANDOM:
        drawn = random_contract(jax.random.key(seed), network).rounds
        yield drawn
        yield static_rounds(network, drawn)
    elif designer in SCHEMES:
        shared = designer == STATIC or instance.shared
        yield optimal_contract(network, instance.mode, shared).contract.rounds
        if truth == "always" and not shared:
            yield optimal_contract(network, instance.mode, True).contract.rounds
    else:
        rounds = project(network, _learned(instance, network, Path(designer))).contract.rounds
        yield rounds
        if truth == "always":
            yield static_rounds(network, rounds)


def _learned(instance: Instance, network: Network, folder: Path) -> Histories:
    """Rounds that a trained policy asks for."""
    path = folder if (folder / "policy.json").exists() else policy_folder(folder, "best", 0)
    artefact = load_policy(path)
    with read_from(path):
        config = from_plain(DynamicContractConfig, artefact.environment_config)
    if config.types != len(instance.theta1):
        raise ConfigurationError("types", config.types, f"{len(instance.theta1)}, as in the instance", path)
    asked = dataclasses.replace(config, servers=instance.servers, alpha=instance.alpha, beta=instance.beta)
    environment = DynamicContract(asked)
    seen = environment.show(network).astype(jnp.float32)
    action, _ = step(artefact.policy, seen, initial_memory(artefact.policy), None)
    return tuple(jnp.asarray(each, network.alpha.dtype) for each in environment.rounds_of(jnp.asarray(action)))
