"""The dynamic-contract environment of a configuration."""

from __future__ import annotations

from typing import Literal

from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract


def environment(config: DynamicContractConfig, part: Literal["training", "evaluation"]) -> DynamicContract:
    """The environment of a configuration; states are drawn, so that training and evaluation differ by their seeds alone."""
    return DynamicContract(config)
