"""Who designs the menu: the exact optimum, schemes to compare it with, or a trained policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from edgewise.common.errors import ConfigurationError, EdgewiseError, read_from
from edgewise.common.plain import from_plain
from edgewise.construction.contract import Truth, costs_of, expected_profit, price, whole_rounds
from edgewise.construction.menu import Menu, Rounds
from edgewise.construction.settlement import APART, COVER, Settlement, least_willingness
from edgewise.policies.artefact import load_policy
from edgewise.policies.description_file import DESCRIPTION_FILE
from edgewise.policies.folders import policy_folder
from edgewise.policies.protocol import initial_memory, step
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract
from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.model import Histories, Network
from edgewise.systems.dynamic_contract.optimum import optimal_contract, precision
from edgewise.systems.dynamic_contract.projection import project, static_rounds
from edgewise.systems.dynamic_contract.sampling import random_contract
from edgewise.systems.dynamic_contract.system import DYNAMIC_CONTRACT

OPTIMUM, STATIC, RANDOM = "optimum", "static", "random"
SCHEMES = (OPTIMUM, STATIC, RANDOM)
"""Designers that need no training; every other name is the folder of a run."""
PARTS, STEP = (1.0, 0.8, 0.6, 0.4), 2
"""Parts of a designer's rounds that compete where rewards cover risk, and the distance of the numbers at which they are cut."""


def design(
    instance: Instance,
    designer: str = OPTIMUM,
    truth: Truth = "expected",
    seed: int = 0,
    settlement: Settlement | None = None,
) -> Menu:
    """The menu of a designer, with whole rounds.

    With `truth` "always" the rounds of the static menu compete: rewards that make the truth best whatever follows may cost more
    than items that differ by the first report bring in. Under settlement by measured quality rewards cover the risk of honest
    pay, no item asks for more rounds than can be enforced, and fewer rounds than the designer wants compete.

    Args:
        instance: the problem.
        designer: "optimum", "static" (items of period 2 alike for all), "random", or the folder of a trained policy.
        truth: see `contract.price`.
        seed: of a random menu.
        settlement: by measured quality. If None, rewards are fixed.

    Raises:
        ConfigurationError: if a policy was trained for another system or other numbers of types, or a settlement cannot be
            enforced.
        EdgewiseError: if there is no such policy, or no rewards make servers tell the truth.
    """
    network = instance.network()
    with precision(network):
        wanted = list(_candidates(instance, network, designer, seed, truth == "always" or settlement is not None))
    top = instance.hardware.max_rounds
    if settlement is None:
        return _best(instance, [whole_rounds(rounds, top) for rounds in wanted], truth)
    costs, theta = costs_of(instance), least_willingness(instance.theta1, instance.theta2)
    most = int(min(top, settlement.enforceable(costs, theta, instance.alpha)))
    fewer = [
        whole_rounds([part * np.asarray(each) for each in rounds], cut)
        for rounds, part, cut in product(wanted, PARTS, range(most, 0, -STEP))
    ]
    cover = {rounds: COVER * settlement.risk(rounds, costs, theta) for rounds in range(1, most + 1)}
    return settlement.written(_best(instance, list(dict.fromkeys(fewer)), truth, cover.__getitem__, APART))


def _best(
    instance: Instance,
    asked: Sequence[Rounds],
    truth: Truth,
    cover: Callable[[int], float] | None = None,
    apart: float = 0.0,
) -> Menu:
    """Of the menus with these rounds and the least rewards, the one of the highest expected profit."""
    found: list[Menu] = []
    reason: EdgewiseError | None = None
    for rounds in asked:
        try:
            found.append(price(instance, rounds, truth, cover, apart))
        except EdgewiseError as error:
            reason = error
    if not found:
        assert reason is not None
        raise reason
    return max(found, key=lambda menu: expected_profit(instance, menu))


def _candidates(
    instance: Instance, network: Network, designer: str, seed: int, also_static: bool
) -> Iterator[Histories]:
    """Rounds that a designer wants; also those of a static menu where the best ones depend on what the truth costs."""
    if designer == RANDOM:
        drawn = random_contract(jax.random.key(seed), network).rounds
        yield drawn
        yield static_rounds(network, drawn)
    elif designer in SCHEMES:
        shared = designer == STATIC or instance.shared
        yield optimal_contract(network, instance.mode, shared).contract.rounds
        if also_static and not shared:
            yield optimal_contract(network, instance.mode, True).contract.rounds
    else:
        rounds = project(network, _learned(instance, network, Path(designer))).contract.rounds
        yield rounds
        if also_static:
            yield static_rounds(network, rounds)


def _learned(instance: Instance, network: Network, folder: Path) -> Histories:
    """Rounds that a trained policy asks for."""
    path = next(
        (each for each in (folder, policy_folder(folder, "best", 0)) if (each / DESCRIPTION_FILE).exists()), None
    )
    if path is None:
        known = (
            f"{', '.join(SCHEMES)}, or the folder of a run on {DYNAMIC_CONTRACT.name}: there is no policy in this one"
        )
        raise ConfigurationError("designer", str(folder), known)
    artefact = load_policy(path)
    description = path / DESCRIPTION_FILE
    if artefact.environment != DYNAMIC_CONTRACT.name:
        raise ConfigurationError(
            "environment", artefact.environment, f"{DYNAMIC_CONTRACT.name}, to design a menu", description
        )
    with read_from(description):
        config = from_plain(DynamicContractConfig, artefact.environment_config)
    if config.types != len(instance.theta1):
        raise ConfigurationError("types", config.types, f"{len(instance.theta1)}, as in the instance", description)
    asked = dataclasses.replace(config, servers=instance.servers, alpha=instance.alpha, beta=instance.beta)
    environment = DynamicContract(asked)
    seen = environment.show(network).astype(jnp.float32)
    action, _ = step(artefact.policy, seen, initial_memory(artefact.policy), None)
    return tuple(jnp.asarray(each, network.alpha.dtype) for each in environment.rounds_of(jnp.asarray(action)))
