"""What the package brings, described; numerics are loaded when they are used."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.registry import AlgorithmEntry
from edgewise.environments.system import Headline, Policy, Preset, System


class CorridorSystem(System):
    """A system of one agent."""

    @property
    def config(self) -> type[Any]:
        from edgewise_corridor.corridor import CorridorConfig

        return CorridorConfig

    def build(self, config: Any) -> Any:
        from edgewise_corridor.corridor import Corridor

        return Corridor(config)


class DuelSystem(System):
    """A game; its random policy moves everyone."""

    @property
    def config(self) -> type[Any]:
        from edgewise_corridor.duel import DuelConfig

        return DuelConfig

    def build(self, config: Any) -> Any:
        from edgewise_corridor.duel import Duel

        return Duel(config)

    def own_reference(self, environment: Any, name: str) -> Policy:
        import jax

        def random(key: Any, state: Any, observation: Any) -> Any:
            keys = jax.random.split(key, len(environment.agents))
            return {
                agent: environment.action_spaces[agent].sample(each)
                for agent, each in zip(environment.agents, keys, strict=True)
            }

        return random


CORRIDOR = CorridorSystem(
    name="corridor",
    summary="a corridor with a reward at its end",
    gymnasium_id="edgewise_corridor/Corridor-v0",
    columns=("place",),
    default_algorithm="tabular-q",
    training={"environments": 8, "evaluations": 4, "evaluation_episodes": 10},
    presets={"tabular-q": Preset(training={"warmup_steps": 64, "updates": 1, "replay_capacity": 2_000})},
)
DUEL = DuelSystem(
    name="duel",
    summary="one hides a number, the other guesses it",
    several_agents=True,
    headline=Headline("miss", "distance of the guess", "", digits=2),
    default_algorithm="mappo",
    training={"environments": 8, "evaluations": 2, "evaluation_episodes": 4},
)
TABULAR_Q = AlgorithmEntry(
    "tabular-q",
    "Q-learning in a table",
    "edgewise_corridor.learner:TabularQConfig",
    "edgewise_corridor.learner:TabularQ",
    ("discrete",),
)
