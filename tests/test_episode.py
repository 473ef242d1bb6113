"""References that remember: their memory begins with an episode and goes on with it, wherever they play."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from countdown import Countdown
from edgewise.environments.adapters.gymnasium import GymnasiumEnvironment
from edgewise.environments.episode import record_episode
from edgewise.environments.host.task import HostTask
from edgewise.training.evaluation import evaluate
from edgewise.training.host.evaluation import evaluate_host
from game_probe import PairGame


class Patient(eqx.Module):
    """Waits once, then counts down."""

    def begin(self, state: Any) -> Any:
        return jnp.zeros((), int)

    def step(self, key: Any, state: Any, observation: Any, memory: Any) -> Any:
        return jnp.minimum(memory, 1), memory + 1


class Rising(eqx.Module):
    """Every move of a game is higher than the one before; the first one tells the number drawn."""

    agents: tuple[str, ...] = eqx.field(static=True)

    def begin(self, state: Any) -> Any:
        return state.shown / 10

    def step(self, key: Any, state: Any, observation: Any, memory: Any) -> Any:
        return dict.fromkeys(self.agents, memory[None]), memory + 0.1


def test_a_recorded_episode_begins_with_a_memory_of_its_first_state() -> None:
    environment = Countdown()
    states, steps, actions = record_episode(environment, Patient(), jax.random.key(0))
    np.testing.assert_array_equal(actions, [0, 1, 1, 1, 1, 1])
    assert steps.info["count"][0] == states[0][0]


def test_every_episode_in_another_library_has_a_memory_of_its_own() -> None:
    def sync(copies: int, seed: int) -> SyncVectorEnv:
        return SyncVectorEnv(
            [lambda: GymnasiumEnvironment(Countdown())] * copies, autoreset_mode=AutoresetMode.SAME_STEP
        )

    length = evaluate_host(HostTask(sync), Patient(), 3, 20)["length"]
    assert set(length) == {4, 5, 6}


def test_a_game_is_played_with_one_memory_through_all_stages() -> None:
    game = PairGame(jnp.asarray([0.2]), jnp.asarray([1.0]), slots=3)
    result = evaluate(game, Rising(game.agents), jax.random.key(0), 4)
    shown = jax.vmap(lambda key: game.reset(jax.random.split(key, 3)[0])[0].shown)(
        jax.random.split(jax.random.key(0), 4)
    )
    price = shown[:, None] / 10 + jnp.asarray([0.0, 0.2, 0.4])
    np.testing.assert_allclose(result["reward/leader_0"], ((price - 0.2) * (price + 0.1)).mean(1), rtol=1e-4)
