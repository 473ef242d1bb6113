"""The policy artefact: a folder with `policy.json` (what it is) and `weights.safetensors` (its numbers)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file
from edgewise.numerics.scaling import plain_scaling, read_scaling
from edgewise.policies.protocol import DeployablePolicy, RecurrentPolicy, initial_memory, step
from edgewise.policies.registry import KINDS, kind_of
from edgewise.policies.scaled import ScaledPolicy

FORMAT = 2
DESCRIPTION_FILE = "policy.json"
WEIGHTS_FILE = "weights.safetensors"


class ArtefactError(EdgewiseError):
    """A policy artefact is missing, damaged or of an unknown kind."""


@dataclass(frozen=True)
class PolicyArtefact:
    """A deployable policy and what is known of it.

    Attributes:
        policy: with or without a memory of its episode.
        environment: name of the environment it was trained in.
        environment_config: its configuration, plain values.
        algorithm: name of the algorithm that trained it.
        steps: environment steps of training.
    """

    policy: DeployablePolicy | RecurrentPolicy | ScaledPolicy
    environment: str
    environment_config: dict[str, Any]
    algorithm: str
    steps: int

    def act(self, observation: Float[np.ndarray, "*batch o"], key: PRNGKeyArray | None = None) -> np.ndarray:
        """Action for an observation; without a key the deterministic one.

        Raises:
            ArtefactError: if the observation has another size than the policy was trained for, or is not finite; or if the
                policy has a memory, which `step` takes.
        """
        if jax.tree.leaves(self.initial_memory()):
            raise ArtefactError("this policy has a memory: must be used by `initial_memory` and `step`")
        return self.step(observation, (), key)[0]

    def initial_memory(self, batch: tuple[int, ...] = ()) -> Any:
        """Memory at the start of an episode, of so many at once; an empty tuple for a policy without one."""
        return initial_memory(self.policy, batch)

    def step(
        self, observation: Float[np.ndarray, "*batch o"], memory: Any, key: PRNGKeyArray | None = None
    ) -> tuple[np.ndarray, Any]:
        """Action for an observation, and the memory for the episode's next step; without a key the deterministic action.

        An episode begins with `initial_memory` of the observation's batch axes. A policy without memory steps too.

        Raises:
            ArtefactError: if the observation or the memory has another shape than it must have, or is not finite.
        """
        size = self.policy.observation_size
        observation = np.asarray(observation, dtype=np.float32)
        if observation.ndim == 0 or observation.shape[-1] != size:
            raise ArtefactError(f"observation has shape {observation.shape}: must end in {size}, the size trained for")
        if not np.isfinite(observation).all():
            raise ArtefactError("observation holds a value that is not finite: all must be")
        if _shapes(memory) != _shapes(self.initial_memory(observation.shape[:-1])):
            raise ArtefactError(f"memory does not fit: must come from initial_memory({observation.shape[:-1]}) or step")
        action, memory = _step(self.policy, jnp.asarray(observation), memory, key)
        return np.asarray(action), memory


@eqx.filter_jit
def _step(policy: Any, observation: Array, memory: Any, key: PRNGKeyArray | None) -> tuple[Array, Any]:
    return step(policy, observation, memory, key)


def _shapes(tree: Any) -> tuple[Any, list[tuple[int, ...]]]:
    return jax.tree.structure(tree), [np.shape(leaf) for leaf in jax.tree.leaves(tree)]


def save_policy(folder: Path, artefact: PolicyArtefact) -> None:
    """Write an artefact; an existing one is replaced only by a complete new one.

    Args:
        folder: made if need be.
        artefact: what to save.
    """
    folder.mkdir(parents=True, exist_ok=True)
    policy = artefact.policy.policy if isinstance(artefact.policy, ScaledPolicy) else artefact.policy
    weights = safetensors.numpy.save(_named_arrays(policy))
    description: dict[str, Any] = {
        "format": FORMAT,
        "edgewise": __version__,
        "kind": kind_of(policy),
        "architecture": policy.architecture,
        "inputs": plain_scaling(artefact.policy.inputs) if isinstance(artefact.policy, ScaledPolicy) else None,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "environment": artefact.environment,
        "environment_config": artefact.environment_config,
        "algorithm": artefact.algorithm,
        "steps": artefact.steps,
    }
    description["sha256"] = _digest(description)
    replace_file(folder / WEIGHTS_FILE, weights)
    replace_file(folder / DESCRIPTION_FILE, json.dumps(description, indent=2).encode())


def load_policy(folder: Path | str) -> PolicyArtefact:
    """Read an artefact. Needs nothing of the code that trained it.

    Raises:
        ArtefactError: if a file is missing, or its content is damaged (both files carry a checksum), of a newer format,
            or does not fit the architecture it claims.
    """
    folder = Path(folder)
    description = _read_description(folder / DESCRIPTION_FILE)
    weights_path = folder / WEIGHTS_FILE
    weights = _read(weights_path)
    if hashlib.sha256(weights).hexdigest() != description["weights_sha256"]:
        raise ArtefactError(f"{weights_path}: content does not match the checksum in {DESCRIPTION_FILE}: damaged")
    kind = description["kind"]
    if kind not in KINDS.names():
        raise ArtefactError(f"{folder / DESCRIPTION_FILE}: kind = {kind!r}: must be one of {', '.join(KINDS.names())}")
    blank = KINDS.find(kind).blank(description["architecture"])
    tensors = safetensors.numpy.load(weights)
    expected = _named_arrays(blank)
    if {name: t.shape for name, t in tensors.items()} != {name: t.shape for name, t in expected.items()}:
        raise ArtefactError(f"{weights_path}: tensors do not fit the architecture in {DESCRIPTION_FILE}")
    leaves = [jnp.asarray(tensors[name]) for name in expected]
    policy = jax.tree.unflatten(jax.tree.structure(blank), leaves)
    inputs = description["inputs"]
    return PolicyArtefact(
        policy=policy if inputs is None else ScaledPolicy(policy, read_scaling(inputs)),
        environment=description["environment"],
        environment_config=description["environment_config"],
        algorithm=description["algorithm"],
        steps=description["steps"],
    )


def _named_arrays(policy: DeployablePolicy | RecurrentPolicy) -> dict[str, np.ndarray]:
    paths = jax.tree_util.tree_leaves_with_path(policy)
    return {jax.tree_util.keystr(path).lstrip("."): np.asarray(leaf) for path, leaf in paths}


def _digest(description: dict[str, Any]) -> str:
    content = {name: value for name, value in description.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror}): must be a policy artefact's file") from None


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(_read(path))
    except ValueError:
        raise ArtefactError(f"{path}: is not JSON: damaged") from None
    if not isinstance(description, dict) or description.get("sha256") != _digest(description):
        raise ArtefactError(f"{path}: content does not match its checksum: damaged")
    if description["format"] != FORMAT:
        raise ArtefactError(f"{path}: format = {description['format']!r}: must be {FORMAT}; use a newer edgewise")
    return description
