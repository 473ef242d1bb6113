"""Runs that go on from a policy: where it is found, its copy in the folder of the run, and learners that start with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from edgewise.algorithms.base import Algorithm
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import replace_file
from edgewise.environments import registry
from edgewise.policies.artefact import load_policy
from edgewise.policies.description_file import DESCRIPTION_FILE, WEIGHTS_FILE, read_bytes, read_description_file
from edgewise.policies.protocol import core, inputs_of
from edgewise.policies.registry import kind_of
from edgewise.policies.rescaled import RescaledPolicy
from edgewise.training.inside import COPY
from edgewise.training.run_folder import Origin, RunConfig
from edgewise.training.sources import origin_folder
from edgewise.training.trainer import Trainer


def starting_policy(folder: Path, run: RunConfig, trainer: Trainer) -> Any:
    """The policy that a run starts with, as its learner has it; None without one.

    A copy of it is kept in the folder of the run, which is read where it exists: a run can be repeated and resumed when the
    original has gone.

    Raises:
        EdgewiseError: if the policy cannot be found, or is another one than the configuration names.
        ConfigurationError: if the learner's policies are of another kind or architecture, or it cannot start from one.
    """
    if run.origin is None:
        return None
    copy = folder / COPY
    found = (
        copy if (copy / DESCRIPTION_FILE).exists() else origin_folder(registry.find(run.environment), run.origin.source)
    )
    digest = read_description_file(found)["sha256"]
    if digest != run.origin.sha256:
        raise EdgewiseError(
            f"{found}: is another policy than the one that the run starts with (sha256 {digest}, must be {run.origin.sha256})"
        )
    policy = load_policy(found).policy
    inside = _as_learned(run.origin, policy, trainer)
    if found != copy:
        copy.mkdir(parents=True, exist_ok=True)
        for name in (WEIGHTS_FILE, DESCRIPTION_FILE):
            replace_file(copy / name, read_bytes(found / name))
    return inside


def started_with(trainer: Trainer, state: Any, policy: Any) -> Any:
    """The state of fresh learners whose policies are all the given one."""
    learner = trainer.learner

    @eqx.filter_jit
    def begin(train_state: Any, policy: Any) -> Any:
        return eqx.filter_vmap(learner.with_policy, in_axes=(0, None))(train_state, policy)

    return eqx.tree_at(lambda state: state.train_state, state, begin(state.train_state, policy))


def _as_learned(origin: Origin, policy: Any, trainer: Trainer) -> Any:
    """The policy without what fits it to its environment, once it is known to be one of the learner's."""
    learner = trainer.learner
    if not isinstance(learner, Algorithm):
        raise ConfigurationError("from", origin.source, "left out: learners of games do not start from a policy")
    own = trainer.blank_policy()
    for what, theirs, ours in (
        ("a policy", _told(policy), _told(own)),
        ("a policy whose inputs are scaled as", inputs_of(policy), inputs_of(own)),
    ):
        if theirs != ours:
            raise ConfigurationError("from", origin.source, f"{what} {ours}, as this learner's are; it is {theirs}")
    inside = _inside(policy)
    eqx.filter_eval_shape(lambda key: learner.with_policy(learner.init(key), inside), jax.random.key(0))
    return inside


def _inside(policy: Any) -> Any:
    inside = core(policy)
    return inside.policy if isinstance(inside, RescaledPolicy) else inside


def _told(policy: Any) -> str:
    """Kind and architecture of a policy, in words."""
    inside = core(policy)
    sizes = ", ".join(f"{name} = {value}" for name, value in inside.architecture.items())
    return f"of kind {kind_of(inside)} with {sizes}"
