"""Twin trading, described for the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewise.environments.system import Command, Headline, Policy, System
from edgewise.systems.twin_trading.presets import PRESETS, TRAINING

if TYPE_CHECKING:
    from edgewise.environments.service import Solving


class TwinTradingSystem(System):
    """The system of the MALPPO paper."""

    @property
    def config(self) -> type[Any]:
        from edgewise.systems.twin_trading.configuration import TwinTradingConfig

        return TwinTradingConfig

    def build(self, config: Any) -> Any:
        from edgewise.systems.twin_trading.build import environment

        return environment(config, "training")

    def build_evaluation(self, config: Any) -> Any:
        """The same market, with its equilibrium to be measured against."""
        from edgewise.systems.twin_trading.build import environment

        return environment(config, "evaluation")

    def observation_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.twin_trading.observation import fields

        return fields(environment, agent or "")

    def action_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.twin_trading.observation import action_fields

        return action_fields(environment, agent or "")

    def solving(self) -> Solving:
        from edgewise.systems.twin_trading.service import SOLVING

        return SOLVING

    def own_reference(self, environment: Any, name: str) -> Policy:
        from edgewise.systems.twin_trading.references import BUILDERS

        return BUILDERS[name](environment)

    def scenes(self, environment: Any, moments: Any) -> list[Any]:
        from edgewise.systems.twin_trading.scene import scenes

        return scenes(self.headline, environment, moments)


TWIN_TRADING = TwinTradingSystem(
    name="twin-trading",
    several_agents=True,
    summary="sale of bandwidth by leaders who set prices to followers who migrate vehicular twins, slot after slot",
    headline=Headline("price_distance", "distance from the equilibrium's prices", "%", digits=2),
    columns=(
        "demand_distance",
        "leader_distance",
        "follower_distance",
        "exploitability",
        "gain_by_lateness",
        "leader_utility",
        "follower_utility",
        "late",
    ),
    own_references=("random", "equilibrium"),
    default_algorithm="malppo",
    training=TRAINING,
    presets=PRESETS,
    solver=Command(
        "edgewise.systems.twin_trading.solve:run", "equilibrium prices and demands of a bandwidth market in a YAML file"
    ),
)
