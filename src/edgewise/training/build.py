"""From the configuration of a run to the programs that train it."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments import registry
from edgewise.environments.environment import Environment
from edgewise.environments.game import Game
from edgewise.environments.host.system import is_host
from edgewise.environments.host.task import HostTask
from edgewise.environments.instances import InstanceGroups
from edgewise.environments.rescaled import with_unit_actions
from edgewise.environments.scaled import ScaledGame, ScaledObservations
from edgewise.numerics.platform import require_platform
from edgewise.training.choose_loop import build_loop
from edgewise.training.config import TrainingConfig
from edgewise.training.groups import grouped
from edgewise.training.host.trainer import host_trainer
from edgewise.training.loop import Loop
from edgewise.training.run_folder import RunConfig
from edgewise.training.trainer import CompiledTrainer, Trainer


def build(run: RunConfig) -> tuple[Environment[Any] | Game[Any] | InstanceGroups, Loop]:
    """The evaluation environment and the training loop of a run in a compiled environment."""
    environment = _seen(run, registry.find(run.environment).build(run.environment_config))
    evaluation = registry.find(run.environment).build_evaluation(run.environment_config)
    if not isinstance(environment, InstanceGroups):
        return evaluation, build_loop(environment, _learner(run, environment), run.training)
    turns = len(environment.groups)

    def loop_of(group: Any, part: TrainingConfig) -> Loop:
        return build_loop(group, _learner(run, group, turns), part)

    return evaluation, grouped(environment, run.training, loop_of)


def make_trainer(run: RunConfig) -> Trainer:
    """Who trains the learners of a run.

    Raises:
        EdgewiseError: if JAX cannot calculate here, or environment, algorithm and budget do not suit each other.
    """
    require_platform()
    if not is_host(run.environment):
        environment, loop = build(run)
        return CompiledTrainer(loop, environment)
    task = _seen(run, registry.find(run.environment).build(run.environment_config))
    evaluation = registry.find(run.environment).build_evaluation(run.environment_config)
    return host_trainer(task, evaluation, _learner(run, task), run.training)


def _seen(run: RunConfig, environment: Any) -> Any:
    """What to learn in, as the learner sees it."""
    if isinstance(environment, InstanceGroups):
        return InstanceGroups(tuple(_seen(run, group) for group in environment.groups))
    span = run.training.input_span
    if isinstance(environment, Environment):
        environment = with_unit_actions(environment)
    if span is None:
        return environment
    if isinstance(environment, HostTask):
        return environment.scaled(span)
    return (ScaledGame if isinstance(environment, Game) else ScaledObservations)(environment, span)


def _learner(run: RunConfig, environment: Any, turns: int = 1) -> Any:
    """The learner of a run that learns `turns` times in an iteration of the run."""
    updates = turns * run.training.total_updates
    return find_algorithm(run.algorithm).build(run.algorithm_config, environment.spaces, updates)
