"""Edgewise environments as Gymnasium environments, one at a time or many in one compiled step.

Every copy carries a key of its own: a reset and a step each split one off. So copy i of a vector environment that was
reset with `seed` does what a single environment does that was reset with `seed + i`, over any number of episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Array, Bool, Key, PRNGKeyArray, UInt32

from edgewise.common.errors import ConfigurationError, check_choice, check_integer
from edgewise.environments.adapters.fork import ForkedEnvironment, forked, refuse_fork, require_unforked
from edgewise.environments.adapters.frames import METADATA, Frames, FramesOfCopies
from edgewise.environments.adapters.making import check_render_mode, make_checked
from edgewise.environments.adapters.spaces import to_array, to_gymnasium, to_numpy
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.registry import find
from edgewise.environments.system import System

AUTORESET_MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)

Keys = Key[Array, "..."]
Copy = tuple[Keys, Any, Any]
"""Key, state and observation of one copy of an environment, or of several along a leading axis."""

_SPACES: dict[str, tuple[Any, Any]] = {}
"""Of the environments made in this process, for its forked copies, in which none can be made."""


def make_single(system: str, render_mode: str | None = None, **overrides: Any) -> gymnasium.Env[Any, Any]:
    """Entry point of `gymnasium.make`.

    Args:
        system: name in the registry.
        render_mode: one of Gymnasium's; "rgb_array" draws what the system has scenes for.
        overrides: fields of the system's configuration.

    Raises:
        UnexpectedKeyword: a TypeError, for an unknown field.
        ConfigurationError: for an unknown name, or a value that is not allowed.
        EdgewiseError: in a process that was forked from one that had loaded JAX, at the latest by the first reset.
    """
    arguments = f"{system} {sorted(overrides.items())}"
    if forked():
        return ForkedEnvironment(*_SPACES[arguments]) if arguments in _SPACES else refuse_fork()
    environment = GymnasiumEnvironment(make_checked(system, render_mode, overrides), render_mode, find(system))
    _SPACES[arguments] = (environment.observation_space, environment.action_space)
    return environment


make_single.metadata = METADATA  # type: ignore[attr-defined] # Gymnasium looks here and warns of other modes


def make_vector(
    system: str,
    num_envs: int,
    render_mode: str | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    **overrides: Any,
) -> GymnasiumVectorEnvironment:
    """Entry point of `gymnasium.make_vec`.

    Args:
        system: name in the registry.
        num_envs: number of copies.
        render_mode: one of Gymnasium's; "rgb_array" draws what the system has scenes for.
        autoreset_mode: "NextStep", which Gymnasium's own vector environments have, or "SameStep".
        overrides: fields of the system's configuration.

    Raises:
        ConfigurationError: for an unknown name or field, or a value that is not allowed.
    """
    require_unforked()
    environment = make_checked(system, render_mode, overrides)
    return GymnasiumVectorEnvironment(environment, num_envs, autoreset_mode, render_mode, find(system))


class GymnasiumEnvironment(gymnasium.Env[Any, Any]):
    """One copy of an Edgewise environment.

    Args:
        environment: to adapt.
        render_mode: one of Gymnasium's; "rgb_array" draws what the system has scenes for.
        system: whose scenes are drawn. If None, nothing is.

    Raises:
        ConfigurationError: for a render mode that Gymnasium does not know.
    """

    metadata: dict[str, Any] = METADATA

    def __init__(
        self, environment: Environment[Any], render_mode: str | None = None, system: System | None = None
    ) -> None:
        check_render_mode(render_mode)
        self._frames = Frames(system, environment, render_mode)
        self.metadata = self._frames.metadata
        self.environment = environment
        self.render_mode = render_mode
        self.observation_space = to_gymnasium(environment.observation_space)
        self.action_space = to_gymnasium(environment.action_space)
        self._key: PRNGKeyArray | None = None
        self._state: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: makes this and the following episodes repeatable; if None, they go on from the last.
            options: not used.

        Returns:
            The observation, and an empty dictionary.
        """
        require_unforked()
        super().reset(seed=seed)
        if seed is not None or self._key is None:
            self._key = _key(_words(self.np_random))
        self._key, self._state, observation = _begin(self.environment, self._key)
        self._frames.begin(self._state)
        return self._observation(observation), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advance one slot.

        Args:
            action: element of the action space. Components outside of a box count as its nearest bound.

        Returns:
            Observation, reward, whether the episode terminated, whether it was truncated, and the environment's `info`
            as floats.

        Raises:
            ConfigurationError: for an action of another shape, one that is not finite, or a choice that does not exist.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if self._key is None:
            raise gymnasium.error.ResetNeeded("reset the environment before its first step")
        require_unforked()
        action = to_array(self.environment.action_space, action)
        before = self._state
        self._key, self._state, timestep = _advance(self.environment, self._key, before, action)
        timestep = jax.device_get(timestep)
        self._frames.step(before, action, timestep.reward, timestep.info)
        info = {name: float(value) for name, value in timestep.info.items()}
        flags = bool(timestep.terminated), bool(timestep.truncated)
        return self._observation(timestep.observation), float(timestep.reward), *flags, info

    def render(self) -> np.ndarray | None:
        """The pixels of the step that was carried out last, RGB; nothing, with a warning, without a render mode.

        Raises:
            NothingToShow: a NotImplementedError, if what was asked for cannot be drawn.
        """
        return self._frames.draw()

    def _observation(self, observation: Any) -> Any:
        return to_numpy(self.observation_space, observation)


class GymnasiumVectorEnvironment(VectorEnv[Any, Any, Any]):
    """Copies of an Edgewise environment, all advanced by one compiled step.

    With `AutoresetMode.NEXT_STEP` a copy whose episode ends returns the last observation and is reset by the next step, which
    ignores its action. With `AutoresetMode.SAME_STEP` it returns the first observation of its next episode; the last one of
    the ended episode is in `info["final_obs"]`, its metrics in `info["final_info"]`.

    Args:
        environment: to adapt.
        num_envs: number of copies.
        autoreset_mode: what happens when an episode ends.
        render_mode: one of Gymnasium's; "rgb_array" draws what the system has scenes for.
        system: whose scenes are drawn. If None, nothing is.

    Raises:
        ConfigurationError: for a number of copies below 1, or another mode.
    """

    def __init__(
        self,
        environment: Environment[Any],
        num_envs: int,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        system: System | None = None,
    ) -> None:
        check_integer("num_envs", num_envs, 1)
        check_render_mode(render_mode)
        mode = autoreset_mode.value if isinstance(autoreset_mode, AutoresetMode) else autoreset_mode
        check_choice("autoreset_mode", mode, [choice.value for choice in AUTORESET_MODES])
        self.environment = environment
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.autoreset_mode = AutoresetMode(mode)
        self._frames = FramesOfCopies(system, environment, render_mode, num_envs)
        self.metadata = {**self._frames.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = to_gymnasium(environment.observation_space)
        self.single_action_space = to_gymnasium(environment.action_space)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._copies: Copy | None = None
        self._over = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every copy.

        Args:
            seed: the seed of the first copy, the following ones take the next integers; or one for each copy. None goes on from
                the last episodes.
            options: `reset_mask`, a boolean array, limits the reset to some copies.

        Returns:
            Observations, and an empty dictionary.

        Raises:
            ConfigurationError: for another number of seeds than copies, or a mask of another shape or type.
        """
        require_unforked()
        super().reset(seed=seed if isinstance(seed, int) else None)
        chosen = self._reset_mask(options)
        key = self._copies[0] if seed is None and self._copies is not None else _key(self._all_words(seed))
        fresh = _begin_all(self.environment, key)
        self._copies = fresh if self._copies is None else _choose(jnp.asarray(chosen), fresh, self._copies)
        self._over = self._over & ~chosen
        self._frames.begin(self._copies[1], chosen)
        return self._observations(self._copies[2]), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance every copy one slot.

        Args:
            actions: element of the batched action space. Components outside of a box count as its nearest bound.

        Returns:
            Observations, rewards, terminations, truncations and the environment's `info`: an array for each name, and a
            mask `_name` of the copies that have it.

        Raises:
            ConfigurationError: for actions of another shape, that are not finite, or choices that do not exist.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if self._copies is None:
            raise gymnasium.error.ResetNeeded("reset the environment before its first step")
        require_unforked()
        actions = to_array(self.environment.action_space, actions, "actions", (self.num_envs,))
        key, state, _ = self._copies
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            self._copies, timestep = _advance_then_restart(self.environment, key, state, actions)
        else:
            self._copies, timestep = _restart_or_advance(self.environment, key, state, actions, jnp.asarray(self._over))
        timestep = jax.device_get(timestep)
        ended = timestep.terminated | timestep.truncated
        self._frames.step(state, actions, timestep, self._over)
        self._frames.begin(self._copies[1], self._over if self.autoreset_mode is AutoresetMode.NEXT_STEP else ended)
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            info = _masked(timestep.info, ~ended)
            if ended.any():
                info |= _final(self._observations(timestep.observation), timestep.info, ended)
        else:
            info = _masked(timestep.info, ~self._over)
            self._over = ended
        flags = np.array(timestep.terminated), np.array(timestep.truncated)
        return self._observations(self._copies[2]), timestep.reward.astype(float), *flags, info

    def render(self) -> tuple[np.ndarray, ...] | None:
        """A frame of every copy, see `GymnasiumEnvironment.render`.

        Raises:
            NothingToShow: a NotImplementedError, if what was asked for cannot be drawn.
        """
        return self._frames.draw()

    def _observations(self, observations: Any) -> Any:
        return to_numpy(self.observation_space, observations)

    def _reset_mask(self, options: dict[str, Any] | None) -> Bool[np.ndarray, " n"]:
        mask = (options or {}).get("reset_mask")
        if mask is None or self._copies is None:
            return np.ones(self.num_envs, dtype=bool)
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != (self.num_envs,):
            raise ConfigurationError("reset_mask", mask, f"a boolean array of shape ({self.num_envs},)")
        return mask

    def _all_words(self, seed: int | Sequence[int | None] | None) -> UInt32[np.ndarray, "n 2"]:
        if seed is None:
            seeds: Sequence[int | None] = [None] * self.num_envs
        elif isinstance(seed, int | np.integer):
            seeds = range(int(seed), int(seed) + self.num_envs)
        else:
            seeds = seed
        if len(seeds) != self.num_envs:
            raise ConfigurationError("seed", seed, f"one integer or {self.num_envs}")
        return np.stack([_words(self.np_random if each is None else seeding.np_random(each)[0]) for each in seeds])


def _words(generator: np.random.Generator) -> UInt32[np.ndarray, " 2"]:
    return generator.integers(0, 2**32, size=2, dtype=np.uint32)


@jax.jit
def _key(words: UInt32[Array | np.ndarray, "*n 2"]) -> Keys:
    """The key of 64 random bits, for each row."""

    def one(pair: UInt32[Array, " 2"]) -> PRNGKeyArray:
        return jax.random.fold_in(jax.random.key(pair[0]), pair[1])

    keys: Keys = jnp.vectorize(one, signature="(w)->()")(words)
    return keys


def _start(environment: Environment[Any], key: PRNGKeyArray) -> Copy:
    key, reset_key = jax.random.split(key)
    return key, *environment.reset(reset_key)


def _move(
    environment: Environment[Any], key: PRNGKeyArray, state: Any, action: Any
) -> tuple[PRNGKeyArray, Any, TimeStep]:
    key, step_key = jax.random.split(key)
    return key, *environment.step(step_key, state, action)


def _where(condition: Bool[Array, ""], these: Any, those: Any) -> Any:
    return jax.tree.map(lambda this, that: jnp.where(condition, this, that), these, those)


_begin = eqx.filter_jit(_start)
_advance = eqx.filter_jit(_move)
_choose = eqx.filter_jit(jax.vmap(_where))


@eqx.filter_jit
def _begin_all(environment: Environment[Any], key: Keys) -> Copy:
    copies: Copy = jax.vmap(lambda k: _start(environment, k))(key)
    return copies


@eqx.filter_jit
def _advance_then_restart(environment: Environment[Any], key: Keys, state: Any, action: Any) -> tuple[Copy, TimeStep]:
    def one(key: PRNGKeyArray, state: Any, action: Any) -> tuple[Copy, TimeStep]:
        key, state, timestep = _move(environment, key, state, action)
        ended = timestep.terminated | timestep.truncated
        return _where(ended, _start(environment, key), (key, state, timestep.observation)), timestep

    result: tuple[Copy, TimeStep] = jax.vmap(one)(key, state, action)
    return result


@eqx.filter_jit
def _restart_or_advance(
    environment: Environment[Any], key: Keys, state: Any, action: Any, over: Bool[Array, " n"]
) -> tuple[Copy, TimeStep]:
    def one(key: PRNGKeyArray, state: Any, action: Any, over: Bool[Array, ""]) -> tuple[Copy, TimeStep]:
        fresh = _start(environment, key)
        key, state, timestep = _move(environment, key, state, action)
        copy = _where(over, fresh, (key, state, timestep.observation))
        quiet = _where(over, jax.tree.map(jnp.zeros_like, timestep), timestep)
        return copy, quiet

    result: tuple[Copy, TimeStep] = jax.vmap(one)(key, state, action, over)
    return result


def _masked(metrics: dict[str, np.ndarray], present: np.ndarray) -> dict[str, Any]:
    masks = {f"_{name}": present.copy() for name in metrics}
    return {name: np.where(present, value, 0.0).astype(float) for name, value in metrics.items()} | masks


def _final(observations: Any, metrics: dict[str, np.ndarray], ended: np.ndarray) -> dict[str, Any]:
    final = np.full(ended.shape, None, dtype=object)
    for index in np.flatnonzero(ended):
        final[index] = jax.tree.map(lambda values, index=index: np.asarray(values[index]), observations)
    return {
        "final_obs": final,
        "_final_obs": ended.copy(),
        "final_info": _masked(metrics, ended),
        "_final_info": ended.copy(),
    }
