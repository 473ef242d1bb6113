"""Dynamic contracts: a menu of rounds and rewards for servers whose willingness is hidden and changes (EDMSAC paper)."""

from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract, DynamicContractState
from edgewise.systems.dynamic_contract.model import Contract, Hardware, Network
from edgewise.systems.dynamic_contract.network import build_network
from edgewise.systems.dynamic_contract.optimum import Optimum, optimal_contract, static_contract

__all__ = [
    "Contract",
    "DynamicContract",
    "DynamicContractConfig",
    "DynamicContractState",
    "Hardware",
    "Network",
    "Optimum",
    "build_network",
    "optimal_contract",
    "static_contract",
]
