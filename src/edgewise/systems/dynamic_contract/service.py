"""The exact optimum of a two-period contract as an answer: requests and answers have the keys of instance files and `--json`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgewise.environments.service import Solving, Words, by_content, finite_answer
from edgewise.systems.dynamic_contract.files import parse_instance
from edgewise.systems.dynamic_contract.optimum import Mode
from edgewise.systems.dynamic_contract.solution import solve

MOST_TYPES = 64
"""Most types of a request: a menu for more takes longer than operators wait."""

Row = Annotated[list[float], Field(min_length=1, max_length=MOST_TYPES)]


class HardwareIn(Words):
    """Constants that all servers share; what is left out is as in Table I of the paper."""

    delta: float | None = None
    lipschitz: float | None = None
    epsilon: float | None = None
    perception_constant: float | None = None
    perception_cycles: float | None = None
    cpu_speed: float | None = Field(default=None, description="Hz")
    feature_bits: float | None = None
    capacitance: float | None = None
    creation_cycles: float | None = None
    module_bits: float | None = None
    max_rounds: float | None = None


class InstanceIn(Words):
    """A two-period contract problem; see the page of dynamic contracts."""

    servers: int
    alpha: float = Field(description="profit per unit of quality")
    beta: float = Field(description="discount of the second period")
    unit_cost: float = Field(description="of a joule")
    power_dbm: float
    rate_mbps: float
    integration_energy: float = Field(description="J")
    p1: Row = Field(description="probability of each type in period 1")
    p2: Annotated[list[Row], Field(min_length=1, max_length=MOST_TYPES)] = Field(
        description="in row k the probability of each type in period 2 after type k"
    )
    theta1: Row = Field(description="willingness of the types in period 1, rising")
    theta2: Row = Field(description="in period 2, rising")
    hardware: HardwareIn = HardwareIn()
    mode: Mode = "feasible"
    shared: bool = Field(default=False, description="items of period 2 do not depend on the report in period 1")


class MenuOut(Words):
    """The best menu, and what proves it."""

    rounds1: list[float]
    rewards1: list[float]
    rounds2: list[list[float]]
    rewards2: list[list[float]]
    profit: float
    upper_bound: float = Field(description="what no menu of the mode can exceed")
    feasibility: dict[str, float | None] = Field(description="least slack of each group of constraints, in utility")


def design(request: InstanceIn) -> MenuOut:
    """The best menu of an instance.

    Raises:
        ConfigurationError: naming the first field that is not allowed.
        EdgewiseError: if there is no finite solution.
    """
    return finite_answer(MenuOut, solve(parse_instance(request.model_dump(exclude_none=True))).plain())


SOLVING = Solving(
    InstanceIn, MenuOut, "the best two-period menu for servers whose willingness is hidden", by_content(design)
)
