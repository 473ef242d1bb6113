"""From the configuration of a run to the programs that train it."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments import registry
from edgewise.environments.environment import Environment
from edgewise.environments.game import Game
from edgewise.environments.host.system import is_host
from edgewise.environments.host.task import HostTask
from edgewise.environments.scaled import ScaledGame, ScaledObservations
from edgewise.training.choose_loop import build_loop
from edgewise.training.host.trainer import host_trainer
from edgewise.training.loop import Loop
from edgewise.training.run_folder import RunConfig
from edgewise.training.trainer import CompiledTrainer, Trainer


def build(run: RunConfig) -> tuple[Environment[Any] | Game[Any], Loop]:
    """The evaluation environment and the training loop of a run."""
    entry = registry.find(run.environment)
    environment = entry.build(run.environment_config)
    if run.training.input_span is not None:
        scaled = ScaledGame if isinstance(environment, Game) else ScaledObservations
        environment = scaled(environment, run.training.input_span)
    algorithm = find_algorithm(run.algorithm).build(
        run.algorithm_config, environment.spaces, run.training.total_updates
    )
    return entry.build_evaluation(run.environment_config), build_loop(environment, algorithm, run.training)


def make_trainer(run: RunConfig) -> Trainer:
    """Who trains the learners of a run."""
    if not is_host(run.environment):
        environment, loop = build(run)
        return CompiledTrainer(loop, environment)
    entry = registry.find(run.environment)
    task: HostTask = entry.build(run.environment_config)
    if run.training.input_span is not None:
        task = task.scaled(run.training.input_span)
    algorithm = find_algorithm(run.algorithm).build(run.algorithm_config, task.spaces, run.training.total_updates)
    return host_trainer(task, entry.build_evaluation(run.environment_config), algorithm, run.training)
