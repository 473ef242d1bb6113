"""A training run in its folder: started, watched, checkpointed, resumed, tested."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file, told
from edgewise.common.host_memory import release_unused_memory
from edgewise.common.interrupt import Interrupted, interrupt_flag
from edgewise.common.plain import to_plain
from edgewise.common.progress import Reporter
from edgewise.environments import registry
from edgewise.environments.host.copies import HostError
from edgewise.numerics.select import select
from edgewise.policies.artefact import PolicyArtefact
from edgewise.policies.folders import Which, policy_folder
from edgewise.training.build import make_trainer
from edgewise.training.checkpoint import CheckpointError, Checkpoints, newest
from edgewise.training.claim import claimed
from edgewise.training.config import TrainingConfig
from edgewise.training.finite import not_finite
from edgewise.training.inside import stored
from edgewise.training.metrics import Metrics, summarise
from edgewise.training.origin import started_with, starting_policy
from edgewise.training.run_folder import (
    CHECKPOINTS,
    CONFIG_FILE,
    TEST_FILE,
    RunConfig,
    read_test,
    require_same,
    resume_command,
    write_config,
)
from edgewise.training.saved import describe_spaces, save_learned
from edgewise.training.trainer import CompiledTrainer, Trainer


class TrainingError(EdgewiseError):
    """A run cannot go on."""


class RunState(eqx.Module):
    """What a checkpoint holds; every leaf has a leading axis of seeds.

    Attributes:
        loop: the learners.
        best_policy: the policy of each seed's best evaluation so far.
        best_score: the best score of that evaluation.
    """

    loop: Any
    best_policy: Any
    best_score: Float[Array, " n"]


def train(folder: Path, run: RunConfig, report: Reporter) -> dict[str, Any]:
    """Train in a folder, from its newest checkpoint if it has one; a run that has its test is left as it is.

    Args:
        folder: new, or one that holds a run of the same configuration.
        run: what to do.
        report: called with progress in environment steps.

    Returns:
        The content of `test.json`: for every seed the mean and standard error of each metric over test episodes of the
        best policy, which was chosen by other episodes.

    Raises:
        EdgewiseError: if the folder holds a run of another configuration, another process is at work in it, or a file cannot
            be written.
        TrainingError: if a loss, a metric or a parameter is not finite, or the environment fails.
        Interrupted: after Ctrl-C, once a checkpoint is written.
    """
    with claimed(folder):
        return train_claimed(folder, run, report)


def train_claimed(folder: Path, run: RunConfig, report: Reporter) -> dict[str, Any]:
    """The same as `train` for a caller that keeps the folder to its process, see `edgewise.training.claim`."""
    require_same(folder, run)
    if (folder / TEST_FILE).exists():
        return read_test(folder)
    try:
        with closing(make_trainer(run)) as trainer:
            origin = starting_policy(folder, run, trainer)
            if not (folder / CONFIG_FILE).exists():
                write_config(folder, run)
            best = _learn(folder, run, trainer, origin, report)
            config = run.training
            tested = trainer.evaluate(best, config.test_seed, config.evaluation_episodes)
            # Means of doubles, as every other judgement of these episodes takes them.
            summary = summarise({name: np.asarray(values, float) for name, values in tested.items()})
        replace_file(folder / TEST_FILE, json.dumps(summary, indent=2).encode())
    except OSError as error:
        way = f"; {_way_on(folder)}" if (folder / CONFIG_FILE).exists() else ""
        raise EdgewiseError(f"{told(error)}{way}") from error
    except HostError as error:
        raise TrainingError(f"{error}; last good checkpoint: {_last_good(folder, run.training)}") from error
    return summary


def _way_on(folder: Path) -> str:
    return f"go on with: {resume_command(folder)}"


def _learn(folder: Path, run: RunConfig, trainer: Trainer, origin: Any, report: Reporter) -> Any:
    """Train to the end of the budget, from a policy if one is given, and return the best policies."""
    config = run.training
    with closing(Checkpoints(folder / CHECKPOINTS)) as checkpoints:
        first = done = checkpoints.latest() or 0

        def tell(what: str) -> None:
            report(config.steps_done(done) if done else 0, what)

        tell("compiling" if isinstance(trainer, CompiledTrainer) else "learning")
        state = _first_state(trainer, config, checkpoints, origin)
        metrics = Metrics(folder, done, config.steps_done(done))
        begin = time.monotonic()
        with interrupt_flag(lambda: tell("stops at the next evaluation")) as interrupted, closing(metrics):
            while done < config.evaluations:
                iterations = config.iterations_done(done + 1) - config.iterations_done(done)
                advanced, learning, healthy = trainer.advance(state.loop, iterations)
                if done == first:
                    tell("learning")  # a compiled program is started and runs on, unless it waits for this process
                _require_finite(healthy, advanced, config.steps_done(done + 1), folder, config)
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
                    _save(checkpoints, done, state, folder)
                if stop:
                    raise Interrupted(f"stopped at step {config.steps_done(done)}; {_way_on(folder)}")
    return state.best_policy


def _first_state(trainer: Trainer, config: TrainingConfig, checkpoints: Checkpoints, origin: Any) -> RunState:
    """The state to go on from: that of the newest checkpoint, or a fresh one."""
    state = _fresh(trainer, jax.random.split(jax.random.key(config.seed), config.seeds), origin)
    done = checkpoints.latest()
    if done is None:
        return state
    state = checkpoints.restore(done, state)
    return replace(state, loop=trainer.go_on(state.loop))


def _fresh(trainer: Trainer, keys: Array, origin: Any) -> RunState:
    started = trainer.start(keys)
    if origin is not None:
        started = started_with(trainer, started, origin)
    policies = jax.tree.map(jnp.copy, trainer.policies(started))
    return RunState(started, policies, jnp.full(keys.shape[0], -jnp.inf))


@eqx.filter_jit
def _keep_best(advanced: Any, policies: Any, before: RunState, scores: Float[Array, " n"]) -> RunState:
    better = scores > before.best_score
    best = select(better, policies, before.best_policy)
    return RunState(advanced, best, jnp.where(better, scores, before.best_score))


def _require_finite(
    healthy: dict[str, Bool[Array, " n"]], loop: Any, step: int, folder: Path, config: TrainingConfig
) -> None:
    for name, flags in healthy.items():
        if not flags.all():
            seed = int(np.argmin(np.asarray(flags)))
            origin = not_finite(loop)
            more = f"; nor is {origin}" if origin else ""
            raise TrainingError(
                f"{name} of seed {seed} is not finite between the last evaluation and step {step}; "
                f"last good checkpoint: {_last_good(folder, config)}{more}"
            )


def _last_good(folder: Path, config: TrainingConfig) -> str:
    """Where a run that broke can be taken up."""
    checkpoint = newest(folder / CHECKPOINTS)
    return "none" if checkpoint is None else f"step {config.steps_done(checkpoint)}"


def _save(checkpoints: Checkpoints, number: int, state: RunState, folder: Path) -> None:
    try:
        checkpoints.save(number, state)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {_way_on(folder)}") from error


def _save_policies(folder: Path, run: RunConfig, trainer: Trainer, state: RunState, steps: int) -> None:
    system = registry.find(run.environment)

    def describe(policy: Any, agent: str | None) -> PolicyArtefact:
        observation, action = describe_spaces(system, trainer.judged_in, agent)
        return PolicyArtefact(
            policy=policy,
            environment=run.environment,
            environment_config=stored(to_plain(run.environment_config), folder),
            algorithm=run.algorithm,
            steps=steps,
            observation=observation,
            action=action,
            agent=agent,
            decoder=run.environment if system.decodes_actions else None,
        )

    groups: dict[Which, Any] = {"best": state.best_policy, "last": trainer.policies(state.loop)}
    for name, policies in groups.items():
        for seed in range(run.training.seeds):
            policy = jax.tree.map(lambda leaf, seed=seed: leaf[seed], policies)
            save_learned(policy_folder(folder, name, seed), policy, describe)
