"""Dynamic contracts in the registry."""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float

from edgewise.environments.system import Entry, Headline, Policy
from edgewise.systems.dynamic_contract import references
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract, DynamicContractState
from edgewise.systems.dynamic_contract.optimum import optimal_contracts


class DynamicContractSystem(Entry):
    """The system of the EDMSAC paper."""

    def build(self, config: DynamicContractConfig) -> DynamicContract:
        return DynamicContract(config)

    def build_evaluation(self, config: DynamicContractConfig) -> DynamicContract:
        return DynamicContract(config)

    def references(self, environment: DynamicContract, names: Sequence[str]) -> dict[str, Policy]:
        policies = references.build(environment)
        return {name: policies[name] for name in names}

    def bound(self, environment: DynamicContract, states: DynamicContractState) -> Float[Array, ""]:
        """Mean of the upper bounds of the states, with rewards chosen freely; about 0.1% loose in single precision."""
        networks = jax.vmap(environment.network)(states)
        return optimal_contracts(networks, "joint", environment.config.shared).upper_bound.mean()


DYNAMIC_CONTRACT = DynamicContractSystem(
    name="dynamic-contract",
    gymnasium_id="edgewise/DynamicContract-v0",
    summary="two-period menus of training rounds and rewards for edge servers whose willingness is hidden and changes",
    config=DynamicContractConfig,
    headline=Headline("profit", "profit of the feasible menu", "per network state", higher_is_better=True),
    columns=("printed_profit", "infeasible", "shortfall"),
    reference_names=references.NAMES,
    usual_references=("random", "static", "optimum"),
    default_algorithm="edmsac",
)
