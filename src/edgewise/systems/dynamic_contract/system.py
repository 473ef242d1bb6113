"""Dynamic contracts, described for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgewise.environments.system import Command, Headline, Policy, System
from edgewise.systems.dynamic_contract.presets import PRESETS, TRAINING

if TYPE_CHECKING:
    from edgewise.environments.service import Solving


class DynamicContractSystem(System):
    """The system of the EDMSAC paper."""

    @property
    def config(self) -> type[Any]:
        from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig

        return DynamicContractConfig

    def build(self, config: Any) -> Any:
        from edgewise.systems.dynamic_contract.build import environment

        return environment(config, "training")

    def build_evaluation(self, config: Any) -> Any:
        from edgewise.systems.dynamic_contract.build import environment

        return environment(config, "evaluation")

    def observation_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.dynamic_contract.observation import fields

        return fields(environment)

    def action_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.dynamic_contract.observation import action_fields

        return action_fields(environment)

    def action_decoder(self, config: Any, agent: str | None = None) -> Callable[[Any, Any], dict[str, Any]] | None:
        from edgewise.systems.dynamic_contract.observation import decoder

        return decoder(config)

    def solving(self) -> Solving:
        from edgewise.systems.dynamic_contract.service import SOLVING

        return SOLVING

    def own_reference(self, environment: Any, name: str) -> Policy:
        from edgewise.systems.dynamic_contract.references import build

        return build(environment)[name]

    def bound(self, environment: Any, states: Any) -> Any:
        """Mean of the upper bounds of the states; see `bound.upper_bound`."""
        from edgewise.systems.dynamic_contract.bound import upper_bound

        return upper_bound(environment, states)

    def scenes(self, environment: Any, moments: Any) -> list[Any]:
        from edgewise.systems.dynamic_contract.scene import scenes

        return scenes(self.headline, environment, moments)


DYNAMIC_CONTRACT = DynamicContractSystem(
    name="dynamic-contract",
    gymnasium_id="edgewise/DynamicContract-v0",
    summary="two-period menus of training rounds and rewards for edge servers whose willingness is hidden and changes",
    actions="box",
    headline=Headline("profit", "profit of the feasible menu", "per network state", higher_is_better=True),
    columns=("printed_profit", "infeasible", "shortfall"),
    own_references=("random", "random-static", "constant", "static", "optimum"),
    usual_references=("random", "static", "optimum"),
    rule="optimum",
    default_algorithm="edmsac",
    training=TRAINING,
    presets=PRESETS,
    solver=Command(
        "edgewise.systems.dynamic_contract.solve:run", "the best two-period menu of an instance in a YAML file"
    ),
)
