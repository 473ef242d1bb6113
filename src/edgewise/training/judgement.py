"""Evaluating policies on the same episodes, with intervals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.environments.environment import Environment
from edgewise.environments.episode import record_episode
from edgewise.environments.game import Game
from edgewise.environments.host.task import HostTask
from edgewise.environments.instances import DrawnInstances, InstanceGroups
from edgewise.environments.system import Reference, System
from edgewise.policies.folders import Which, policy_folder
from edgewise.policies.learned import LearnedPolicy
from edgewise.statistics.judgement import Judgement
from edgewise.training.evaluation import evaluate
from edgewise.training.host.evaluation import evaluate_host
from edgewise.training.run_folder import RunConfig
from edgewise.training.saved import load_learned
from edgewise.training.trainer import evaluate_seeds

Played = Environment[Any] | Game[Any] | HostTask | InstanceGroups


def player(environment: Played, episodes: int, seed: int) -> Callable[[Reference | LearnedPolicy], dict[str, Any]]:
    """A function that plays a policy on the episodes of the given seed; its metrics, one value per episode."""
    if isinstance(environment, HostTask):
        return lambda policy: evaluate_host(environment, policy, seed, episodes)
    compiled = eqx.filter_jit(lambda environment, policy, key: evaluate(environment, policy, key, episodes))
    return lambda policy: compiled(environment, policy, jax.random.key(seed))


def episodes_of_test(config: RunConfig) -> tuple[int, int]:
    """How many episodes a run is tested by, and their randomness: those of `test.json`, of reports and of `edgewise evaluate`."""
    return config.training.evaluation_episodes, config.training.test_seed


def load_policies(folders: Sequence[Path], environment: Played) -> list[Any]:
    """The saved policies of several training seeds.

    Raises:
        EdgewiseError: if one cannot be read, or does not fit the environment.
    """
    return [load_learned(folder, environment) for folder in folders]


def judge_saved(
    name: str,
    folders: Sequence[Path],
    environment: Played,
    episodes: int,
    seed: int,
    stochastic: bool = False,
) -> Judgement:
    """Play the saved policies of several training seeds, by the program by which training tests them.

    Args:
        name: the name of the judgement.
        folders: the folder of each policy.
        environment: to play in.
        episodes: number of episodes.
        seed: their randomness.
        stochastic: sample actions.

    Raises:
        EdgewiseError: if a policy cannot be read, or does not fit the environment.
    """
    policies = load_policies(folders, environment)
    if isinstance(environment, HostTask):
        play = player(environment, episodes, seed)
        results = [play(LearnedPolicy(policy, stochastic)) for policy in policies]
        return Judgement(name, {name: np.stack([result[name] for result in results]) for name in results[0]})
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *policies)
    values = evaluate_seeds(environment, stacked, jax.random.key(seed), episodes, stochastic)
    return Judgement(name, {name: np.asarray(value) for name, value in values.items()})


def judge_policies(
    config: RunConfig,
    folder: Path,
    environment: Played,
    which: Which,
    episodes: int,
    seed: int,
    stochastic: bool = False,
) -> Judgement:
    """`judge_saved` of a run.

    Args:
        config: the configuration of the run.
        folder: the folder of the run.
        environment: to play in.
        which: "best" or "last".
        episodes: number of episodes.
        seed: their randomness.
        stochastic: sample actions.

    Raises:
        EdgewiseError: if a policy cannot be read, or does not fit the environment.
    """
    folders = [policy_folder(folder, which, seed) for seed in range(config.training.seeds)]
    return judge_saved(config.algorithm, folders, environment, episodes, seed, stochastic)


def judge_references(
    entry: System, environment: Played, names: Sequence[str], episodes: int, seed: int
) -> list[Judgement]:
    """Play reference policies on the episodes of the given seed; remarks on them go to standard error."""
    for remark in entry.remarks(environment, names):
        print(remark, file=sys.stderr)
    judgements = []
    for name, policy in entry.references(environment, names).items():
        result = player(environment, episodes, seed)(policy)
        values = {metric: np.asarray(value)[None] for metric, value in result.items()}
        judgements.append(Judgement(name, values, reference=True))
    return judgements


def judge_bound(entry: System, environment: Played, episodes: int, seed: int) -> Judgement | None:
    """What no policy can beat in the headline metric, on the episodes of the given seed.

    None if the system knows none, and for many instances.
    """
    if not isinstance(environment, Environment) or isinstance(environment, DrawnInstances):
        return None
    policy = entry.references(environment, ("random",))["random"]

    @eqx.filter_jit
    def bounds(environment: Environment[Any], keys: jax.Array) -> jax.Array | None:
        def episode(key: jax.Array) -> jax.Array | None:
            states, _, _ = record_episode(environment, policy, key)
            return entry.bound(environment, states)

        return jax.lax.map(episode, keys)

    values = bounds(environment, jax.random.split(jax.random.key(seed), episodes))
    return None if values is None else Judgement("bound", {entry.headline.metric: np.asarray(values)[None]}, True)
