"""A training run in its folder: started, watched, checkpointed, resumed, tested."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import yaml
from jaxtyping import Array, Bool, Float
from tensorboardX import SummaryWriter

from edgewise import __version__
from edgewise.algorithms.registry import find_algorithm
from edgewise.environments import systems
from edgewise.environments.base import Environment
from edgewise.environments.host.entry import is_host
from edgewise.environments.host.task import HostTask
from edgewise.environments.multi_agent import MultiAgentEnvironment
from edgewise.environments.scaled import ScaledGame, ScaledObservations
from edgewise.numerics.checks import ConfigurationError, EdgewiseError
from edgewise.numerics.files import replace_file
from edgewise.numerics.memory import release_unused_memory
from edgewise.numerics.records import from_plain, to_plain
from edgewise.policies import PolicyArtefact
from edgewise.training.checkpoint import Checkpoints
from edgewise.training.config import TrainingConfig
from edgewise.training.host import host_trainer
from edgewise.training.loop import Loop
from edgewise.training.loops import build_loop, training_config
from edgewise.training.progress import Reporter
from edgewise.training.saved import save_learned
from edgewise.training.trainer import CompiledTrainer, Trainer

CHECKPOINTS = "checkpoints"
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.csv"
TEST_FILE = "test.json"


class TrainingError(EdgewiseError):
    """A run cannot go on."""


class Interrupted(EdgewiseError):
    """A run was asked to stop and has left a checkpoint."""

    exit_code = 130


@dataclass(frozen=True)
class RunConfig:
    """All that determines a run.

    Attributes:
        environment: name in the registry.
        environment_config: its configuration.
        algorithm: name in the registry.
        algorithm_config: its configuration.
        training: budget and seeds.
    """

    environment: str
    environment_config: Any
    algorithm: str
    algorithm_config: Any
    training: TrainingConfig


class RunState(eqx.Module):
    """What a checkpoint holds; every leaf has a leading axis of seeds.

    Attributes:
        loop: the learners.
        best_policy: the policy of each seed's best evaluation so far.
        best_score: of that evaluation.
    """

    loop: Any
    best_policy: Any
    best_score: Float[Array, " n"]


def write_config(folder: Path, run: RunConfig) -> None:
    """Write `config.yaml`: complete and reloadable."""
    values = {"edgewise": __version__, **to_plain(run)}
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / CONFIG_FILE, yaml.safe_dump(values, sort_keys=False).encode())


def read_config(folder: Path) -> RunConfig:
    """Read `config.yaml` of a run.

    Raises:
        EdgewiseError: if there is none, or a field of it is unknown or not allowed.
    """
    path = folder / CONFIG_FILE
    try:
        values = yaml.safe_load(path.read_text())
    except OSError:
        raise EdgewiseError(f"{folder}: is not a run folder, it has no {CONFIG_FILE}") from None
    except yaml.YAMLError as error:
        raise EdgewiseError(f"{path}: is not YAML: {str(error).splitlines()[0]}") from None
    fields = ("environment", "environment_config", "algorithm", "algorithm_config", "training")
    if not isinstance(values, dict) or any(name not in values for name in fields):
        raise EdgewiseError(f"{path}: must hold the fields {', '.join(fields)}")
    try:
        return RunConfig(
            environment=values["environment"],
            environment_config=from_plain(systems.find(values["environment"]).config, values["environment_config"]),
            algorithm=values["algorithm"],
            algorithm_config=from_plain(find_algorithm(values["algorithm"]).config, values["algorithm_config"]),
            training=from_plain(training_config(values["algorithm"]), values["training"]),
        )
    except ConfigurationError as error:
        raise EdgewiseError(f"{path}: {error}") from None


def build(run: RunConfig) -> tuple[Environment[Any] | MultiAgentEnvironment[Any], Loop]:
    """The evaluation environment and the training loop of a run."""
    entry = systems.find(run.environment)
    environment = entry.build(run.environment_config)
    if run.training.input_span is not None:
        scaled = ScaledGame if isinstance(environment, MultiAgentEnvironment) else ScaledObservations
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
    entry = systems.find(run.environment)
    task: HostTask = entry.build(run.environment_config)
    if run.training.input_span is not None:
        task = task.scaled(run.training.input_span)
    algorithm = find_algorithm(run.algorithm).build(run.algorithm_config, task.spaces, run.training.total_updates)
    return host_trainer(task, entry.build_evaluation(run.environment_config), algorithm, run.training)


def train(folder: Path, run: RunConfig, report: Reporter) -> dict[str, Any]:
    """Train in a folder, from its newest checkpoint if it has one; a run that has its test is left as it is.

    Args:
        folder: new, or one that holds a run of the same configuration.
        run: what to do.
        report: told about progress in environment steps.

    Returns:
        The content of `test.json`: for every seed the mean and standard error of each metric over test episodes of the
        best policy, which was chosen by other episodes.

    Raises:
        EdgewiseError: if the folder holds a run of another configuration.
        TrainingError: if a loss, a metric or a parameter is not finite.
        Interrupted: after Ctrl-C, once a checkpoint is written.
    """
    if (folder / CONFIG_FILE).exists():
        if to_plain(read_config(folder)) != to_plain(run):
            raise EdgewiseError(
                f"{folder}: holds a run of another configuration; choose another name or resume that run"
            )
        if (folder / TEST_FILE).exists():
            summary: dict[str, Any] = json.loads((folder / TEST_FILE).read_text())
            return summary
    with closing(make_trainer(run)) as trainer:
        return _train(folder, run, trainer, report)


def _train(folder: Path, run: RunConfig, trainer: Trainer, report: Reporter) -> dict[str, Any]:
    if not (folder / CONFIG_FILE).exists():
        write_config(folder, run)
    config = run.training
    keys = jax.random.split(jax.random.key(config.seed), config.seeds)
    checkpoints = Checkpoints(folder / CHECKPOINTS)
    done = checkpoints.latest() or 0
    state = _fresh(trainer, keys)
    if done:
        state = checkpoints.restore(done, state)
        state = replace(state, loop=trainer.go_on(state.loop))
    metrics = _Metrics(folder, done, config.steps_done(done))
    begin = time.monotonic()
    with interrupt_flag() as interrupted, closing(metrics):
        while done < config.evaluations:
            iterations = config.iterations_done(done + 1) - config.iterations_done(done)
            advanced, learning, healthy = trainer.advance(state.loop, iterations)
            _require_finite(healthy, config.steps_done(done + 1), checkpoints.latest(), config)
            release_unused_memory()
            done += 1
            policies = trainer.policies(advanced)
            result = trainer.evaluate(policies, config.evaluation_seed, config.evaluation_episodes)
            state = _keep_best(advanced, policies, state, trainer.score(done, result))
            release_unused_memory()
            metrics.append(done, config.steps_done(done), time.monotonic() - begin, result, learning)
            report(config.steps_done(done), f"return {float(result['return'].mean()):.2f}")
            stop = interrupted()
            if done % config.checkpoint_every == 0 or done == config.evaluations or stop:
                # Policies first: a run that is killed in between goes on from the checkpoint before, and saves both again.
                _save_policies(folder, run, trainer, state, config.steps_done(done))
                checkpoints.save(done, state)
            if stop:
                checkpoints.close()
                raise Interrupted(
                    f"stopped at step {config.steps_done(done)}; go on with: edgewise train --resume {folder}"
                )
    checkpoints.close()
    summary = summarise(trainer.evaluate(state.best_policy, config.test_seed, config.evaluation_episodes))
    replace_file(folder / TEST_FILE, json.dumps(summary, indent=2).encode())
    return summary


def summarise(result: dict[str, Float[Array, "n e"]]) -> dict[str, Any]:
    """Mean and standard error over episodes of every metric, one number per seed."""
    episodes = next(iter(result.values())).shape[-1]
    return {
        name: {
            "mean": np.asarray(values).mean(-1).tolist(),
            "sem": (np.asarray(values).std(-1, ddof=1) / np.sqrt(episodes)).tolist() if episodes > 1 else None,
        }
        for name, values in result.items()
    }


def _fresh(trainer: Trainer, keys: Array) -> RunState:
    started = trainer.start(keys)
    policies = jax.tree.map(jnp.copy, trainer.policies(started))
    return RunState(started, policies, jnp.full(keys.shape[0], -jnp.inf))


@eqx.filter_jit
def _keep_best(advanced: Any, policies: Any, before: RunState, scores: Float[Array, " n"]) -> RunState:
    better = scores > before.best_score

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *([1] * (new.ndim - 1))), new, old)

    best = jax.tree.map(choose, policies, before.best_policy)
    return RunState(advanced, best, jnp.where(better, scores, before.best_score))


def _require_finite(
    healthy: dict[str, Bool[Array, " n"]], step: int, checkpoint: int | None, config: TrainingConfig
) -> None:
    for name, flags in healthy.items():
        if not flags.all():
            seed = int(np.argmin(np.asarray(flags)))
            good = "none" if checkpoint is None else f"step {config.steps_done(checkpoint)}"
            raise TrainingError(
                f"{name} of seed {seed} is not finite between the last evaluation and step {step}; "
                f"last good checkpoint: {good}"
            )


def _save_policies(folder: Path, run: RunConfig, trainer: Trainer, state: RunState, steps: int) -> None:
    def describe(policy: Any) -> PolicyArtefact:
        return PolicyArtefact(
            policy=policy,
            environment=run.environment,
            environment_config=to_plain(run.environment_config),
            algorithm=run.algorithm,
            steps=steps,
        )

    groups = {"best": state.best_policy, "last": trainer.policies(state.loop)}
    for name, policies in groups.items():
        for seed in range(run.training.seeds):
            policy = jax.tree.map(lambda leaf, seed=seed: leaf[seed], policies)
            save_learned(folder / "policy" / name / f"seed-{seed}", policy, describe)


class _Metrics:
    """`metrics.csv`, one row per evaluation and seed, and the same as TensorBoard events."""

    def __init__(self, folder: Path, done: int, steps: int) -> None:
        """Args: `done` is the number of evaluations to keep, `steps` their steps; a killed run may have written more."""
        self._path = folder / METRICS_FILE
        self._rows: list[dict[Any, Any]] = []
        self._begin = 0.0
        if done and self._path.exists():
            rows = pd.read_csv(self._path)
            self._rows = [dict(row) for row in rows[rows["evaluation"] <= done].to_dict("records")]
            self._begin = max((row["wall_s"] for row in self._rows), default=0.0)
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=steps + 1 if done else None)

    def append(
        self, number: int, steps: int, seconds: float, result: dict[str, Array], learning: dict[str, Array]
    ) -> None:
        """Add one evaluation: means over its episodes, and the learning metrics since the last one."""
        summary = summarise(result)
        seeds = len(summary["return"]["mean"])
        for seed in range(seeds):
            row: dict[str, Any] = {
                "evaluation": number, "steps": steps, "seed": seed, "wall_s": round(self._begin + seconds, 2)
            }  # fmt: skip
            row |= {name: entry["mean"][seed] for name, entry in summary.items()}
            row["return_sem"] = summary["return"]["sem"][seed] if summary["return"]["sem"] else float("nan")
            row |= {f"learning/{name}": float(values[seed]) for name, values in learning.items()}
            self._rows.append(row)
            for name, value in row.items():
                if name not in ("evaluation", "steps", "seed"):
                    self._writer.add_scalar(f"seed-{seed}/{name}", value, steps)
        self._writer.flush()
        replace_file(self._path, pd.DataFrame(self._rows).to_csv(index=False).encode())

    def close(self) -> None:
        """End the event file and the thread that writes it."""
        self._writer.close()


@contextmanager
def interrupt_flag() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a flag, so that work ends where nothing is lost; a second one stops at once."""
    raised = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield raised.is_set
        return

    def handle(number: int, frame: object) -> None:
        if raised.is_set():
            raise KeyboardInterrupt
        raised.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield raised.is_set
    finally:
        signal.signal(signal.SIGINT, before)
