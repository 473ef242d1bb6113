"""Quality, energies, utilities and profits: EDMSAC paper, equations (1)-(12). SI units; H periods, H = 2 in the paper.

An array over the *histories* of period t has t axes of size K: the types that a server has had in periods 1 to t. So a
menu's rounds are [K] in period 1 and [K, K] in period 2, T_j^2(theta_k^1) at [k, j].
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.common.errors import ConfigurationError, check_range

Histories = tuple[Array, ...]
"""One array per period over its histories: [K], [K, K], ..."""


@dataclass(frozen=True)
class Hardware:
    """Constants that all servers share: Table I.

    Attributes:
        delta, lipschitz, epsilon: hyperparameters of the quality (1); lipschitz is L.
        perception_constant: constant of the hardware architecture, zeta; the table's "10-23" has lost a minus sign.
        perception_cycles: cycles to perceive one bit of feature data.
        cpu_speed: f, Hz.
        feature_bits: size of the feature data, bit (1 MB is 8e6 bit).
        capacitance: effective switched capacitance rho.
        creation_cycles: cycles to create one bit of agent modules.
        module_bits: size of an agent module, bit.
        max_rounds: most training rounds that a menu may ask for in a period; the paper's actions end there.
    """

    delta: float = 0.02
    lipschitz: float = 8.0
    epsilon: float = 2.0
    perception_constant: float = 1e-23
    perception_cycles: float = 100.0
    cpu_speed: float = 64e6
    feature_bits: float = 8e6
    capacitance: float = 1e-16
    creation_cycles: float = 120.0
    module_bits: float = 8e7
    max_rounds: float = 100.0

    def __post_init__(self) -> None:
        for field in fields(self):
            check_range(field.name, getattr(self, field.name), 0, open_low=True)
        if self.delta * self.lipschitz >= 2:
            raise ConfigurationError("delta", self.delta, f"in (0, 2 / lipschitz), here (0, {2 / self.lipschitz:g})")

    @property
    def quality_rate(self) -> float:
        """The a for which (1) is Q = 1 - exp(-a T), per round."""
        return math.log(2) * (2 - self.lipschitz * self.delta) * self.delta * self.epsilon / 2


class Network(eqx.Module):
    """A network state (44): what the cloud server knows when it designs a menu.

    Attributes:
        types: theta of each period, rising along the last axis.
        initial: probability of each type in period 1.
        transitions: [t, k, j] is the probability of type j in period t + 2 after type k in period t + 1.
        servers: N.
        alpha: profit per unit of quality.
        beta: discount of a period against the one before.
        unit_cost: sigma, cost of a joule.
        power: P, transmit power, W.
        rate: r, transmission rate, bit/s.
        integration_energy: E_C, J.
        hardware: constants.
    """

    types: Float[Array, "h k"]
    initial: Float[Array, " k"]
    transitions: Float[Array, "h-1 k k"]
    servers: Float[Array, ""]
    alpha: Float[Array, ""]
    beta: Float[Array, ""]
    unit_cost: Float[Array, ""]
    power: Float[Array, ""]
    rate: Float[Array, ""]
    integration_energy: Float[Array, ""]
    hardware: Hardware = eqx.field(static=True, default=Hardware())

    @property
    def periods(self) -> int:
        """Number of periods H."""
        return self.types.shape[-2]

    @property
    def kinds(self) -> int:
        """K, the number of types."""
        return self.types.shape[-1]

    @property
    def round_cost(self) -> Float[Array, ""]:
        """Cost c of (6) of one training round."""
        return self.unit_cost * creation_energy(self.hardware, jnp.ones_like(self.unit_cost))

    @property
    def fixed_cost(self) -> Float[Array, ""]:
        """Cost E of (6), of perceiving and uploading, whatever the rounds."""
        upload = upload_energy(self.hardware, self.power, self.rate)
        return self.unit_cost * (perception_energy(self.hardware) + upload)


class Contract(eqx.Module):
    """A menu (8): an item for each history of types.

    Attributes:
        rounds: T of each period, [K], [K, K], ...
        rewards: R of each period, same shapes.
    """

    rounds: Histories
    rewards: Histories


def quality(hardware: Hardware, rounds: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Model quality after a number of rounds, (1) with L delta in place of L as (41) has it."""
    return -jnp.expm1(-hardware.quality_rate * rounds)


def perception_energy(hardware: Hardware) -> float:
    """E^Per, J: (2)."""
    return hardware.perception_constant * hardware.perception_cycles * hardware.feature_bits * hardware.cpu_speed**2


def creation_energy(hardware: Hardware, rounds: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """E^Cre, J: (3)."""
    return hardware.capacitance * rounds * hardware.creation_cycles * hardware.cpu_speed**2


def upload_energy(
    hardware: Hardware, power: Float[Array, "*batch"], rate: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """E^Upl, J: (4), power in W and rate in bit/s."""
    return power * hardware.module_bits / rate


def total_energy(network: Network, rounds: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """E^Tot, J: (5)."""
    hardware = network.hardware
    upload = upload_energy(hardware, network.power, network.rate)
    return perception_energy(hardware) + creation_energy(hardware, rounds) + upload


def server_utility(
    network: Network,
    willingness: Float[Array, "*#batch"],
    rounds: Float[Array, "*#batch"],
    reward: Float[Array, "*#batch"],
) -> Float[Array, "*#batch"]:
    """Utility of a server, (6) and (9)."""
    return willingness * reward - network.round_cost * rounds - network.fixed_cost


def cloud_utility(network: Network, rounds: Float[Array, " n"], rewards: Float[Array, " n"]) -> Float[Array, ""]:
    """U of the cloud server in a period in which server n makes `rounds[n]` for `rewards[n]`: (7)."""
    income = network.alpha * quality(network.hardware, rounds)
    return (income - rewards).sum() - network.unit_cost * network.integration_energy


def truthful_utilities(network: Network, contract: Contract) -> Histories:
    """Utility of a server that reports its types, per period over histories: (9)."""
    return tuple(
        server_utility(network, types, rounds, rewards)
        for types, rounds, rewards in zip(network.types, contract.rounds, contract.rewards, strict=True)
    )


def history_probabilities(network: Network) -> Histories:
    """Probability of each history of types, for each period."""
    probabilities = [network.initial]
    for transition in network.transitions:
        probabilities.append(probabilities[-1][..., None] * transition)
    return tuple(probabilities)


def period_profits(network: Network, contract: Contract) -> Float[Array, " h"]:
    """Expected utility of the cloud server in each period: (11), a period's types weighted by those before."""
    profits = []
    for probability, rounds, rewards in zip(
        history_probabilities(network), contract.rounds, contract.rewards, strict=True
    ):
        margin = network.alpha * quality(network.hardware, rounds) - rewards
        profits.append(network.servers * (probability * margin).sum())
    return jnp.stack(profits) - network.unit_cost * network.integration_energy


def total_profit(network: Network, contract: Contract) -> Float[Array, ""]:
    """Discounted profit over all periods: (12)."""
    return discounts(network) @ period_profits(network, contract)


def discounts(network: Network) -> Float[Array, " h"]:
    """Weight of each period: 1, beta, beta^2, ..."""
    return network.beta ** jnp.arange(network.periods)
