"""The policy artefact: a folder with `policy.json` (what it is) and `weights.safetensors` (its numbers and examples)."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from jaxtyping import PRNGKeyArray

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file
from edgewise.common.plain import from_plain
from edgewise.environments.description import Description, plain_description, read_description
from edgewise.environments.fields import Field, join, split
from edgewise.environments.spaces import Box, Discrete
from edgewise.environments.system import Session
from edgewise.numerics.scaling import AnyScaling, plain_scaling, read_scaling
from edgewise.policies.description_file import (
    DESCRIPTION_FILE,
    FORMAT,
    WEIGHTS_FILE,
    ArtefactError,
    digest,
    read_bytes,
    read_description_file,
)
from edgewise.policies.golden import EXAMPLES, TOLERANCE, Golden, act, check_golden, make_golden
from edgewise.policies.protocol import (
    DeployablePolicy,
    RecurrentPolicy,
    core,
    initial_memory,
    inputs_of,
    takes_any_size,
)
from edgewise.policies.registry import KINDS, kind_of
from edgewise.policies.scaled import ScaledPolicy, with_inputs

GOLDEN = "golden/"
"""What the names of the examples' arrays begin with; no name of a weight does."""


@dataclass(frozen=True)
class PolicyArtefact:
    """A deployable policy and what is known of it.

    Attributes:
        policy: with or without a memory of its episode; takes observations as they are.
        environment: name of the environment it was trained in.
        environment_config: its configuration, plain values.
        algorithm: name of the algorithm that trained it.
        steps: environment steps of training.
        observation: the observation of what an observation is made; None if nothing but its size is known.
        action: the same of an action; None if nothing is known.
        agent: id of the agent of a game whose policy it is; None for a single one.
        decoder: name of the system that reads its actions; None if their fields tell all.
        versions: the versions of the libraries that saved it.
    """

    policy: DeployablePolicy | RecurrentPolicy | ScaledPolicy
    environment: str
    environment_config: dict[str, Any]
    algorithm: str
    steps: int
    observation: Description | None = None
    action: Description | None = None
    agent: str | None = None
    decoder: str | None = None
    versions: Mapping[str, str] | None = None

    @property
    def inputs(self) -> AnyScaling | None:
        """How the policy scales observations before its network sees them; None if it does not."""
        return inputs_of(self.policy)

    @cached_property
    def described(self) -> Description:
        """The description of an observation.

        Raises:
            ArtefactError: if neither the artefact nor its policy describes it.
        """
        if self.observation is not None:
            return self.observation
        size = getattr(core(self.policy), "observation_size", None)
        if size is None:
            raise ArtefactError("this policy does not tell of what an observation is made: must have a description")
        return Description.of_size(size, "observation")

    @cached_property
    def _described_for(self) -> Callable[[int, int], Description]:
        """What `described` is for other numbers of rows and columns; the latest are kept, for they take long to make."""
        return lru_cache(maxsize=8)(self.described.resized)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The named numbers of an observation with units and bounds, in their order."""
        return self.described.fields

    def matches(self, observation: Any) -> None:
        """Require an observation, or a batch, of the structure and shapes that the policy takes, and finite.

        A policy that takes any numbers of rows and columns takes them here too; all fields must have the same.

        Raises:
            ArtefactError: naming the field.
        """
        sizes = self.described.other_sizes(observation) if takes_any_size(self.policy) else None
        found = (self.described if sizes is None else self._described_for(*sizes)).faults(observation)
        if found:
            raise ArtefactError(f"observation: {'; '.join(found)}")

    def observe(self, **quantities: Any) -> np.ndarray:
        """The observation [*batch, o] of quantities in the units of `fields`, given by the fields' names.

        Raises:
            ConfigurationError: for a field that is missing, unknown or of another shape.
            ArtefactError: if observations are no vectors.
        """
        if not isinstance(self.described.space, Box):
            raise ArtefactError("observations are no vectors: must be given as they are")
        return join(self.fields, quantities)

    def decode(self, action: Any, observation: Any = None) -> dict[str, Any]:
        """What an action means, in the terms of the system that the policy was trained in.

        Args:
            action: a single one that the policy gave.
            observation: that it was given for; some systems need it.

        Returns:
            Named plain arrays; without a decoder the quantities of the action's fields, in their units.

        Raises:
            ArtefactError: if the system is not installed, its configuration cannot be read, or it needs the observation.
        """
        action = jax.tree.map(np.asarray, action)
        if self.decoder is not None:
            return self._decoder(action, observation)
        if isinstance(action, Mapping):
            return dict(action)
        if self.action is None or not isinstance(self.action.space, Box):
            name = "choice" if self.action is not None and isinstance(self.action.space, Discrete) else "action"
            return {name: action}
        return split(self.action.fields, action)

    def session(self, changes: Mapping[str, Any] | None = None, **start: Any) -> Session:
        """A session of the system that the policy was trained in: it makes observations of reports, and reads actions.

        Args:
            changes: fields of the system's configuration that are otherwise where the policy is used.
            start: who is there and what can be seen at the start, as the system's sessions take it.

        Raises:
            ConfigurationError: if the system has no sessions, or something that they take is missing or not allowed.
            EdgewiseError: if the system is not installed.
        """
        from edgewise.environments import registry

        system = registry.find(self.environment)
        config = from_plain(system.config, self.environment_config)
        return system.session(system.changed(config, changes or {}), **start)

    @cached_property
    def _decoder(self) -> Any:
        from edgewise.environments import registry

        assert self.decoder is not None
        try:
            system = registry.find(self.decoder)
            config = from_plain(system.config, self.environment_config)
            decode = system.action_decoder(config, self.agent)
        except EdgewiseError as error:
            raise ArtefactError(f"actions cannot be read: {error}") from error
        if decode is None:
            raise ArtefactError(
                f"actions cannot be read: {self.decoder} has no decoder; use the edgewise that saved them"
            )

        def read(action: Any, observation: Any) -> dict[str, Any]:
            if observation is not None:
                self.matches(observation)
            try:
                return {name: np.asarray(value) for name, value in decode(action, observation).items()}
            except EdgewiseError as error:
                raise ArtefactError(f"the action cannot be read: {error}") from error

        return read

    def act(self, observation: Any, key: PRNGKeyArray | None = None) -> Any:
        """Action for an observation [*batch, ...]; without a key the deterministic one.

        An array, or a dictionary of arrays in a structured space.

        Raises:
            ArtefactError: if the observation is not of the shape that the policy was trained for, or is not finite; or if the
                policy has a memory, which `step` takes.
        """
        self.require_no_memory()
        return self.step(observation, (), key)[0]

    def require_no_memory(self) -> None:
        """Require a policy without a memory.

        Raises:
            ArtefactError: if it has one.
        """
        if jax.tree.leaves(self.initial_memory()):
            raise ArtefactError("this policy has a memory: must be used by `initial_memory` and `step`")

    def initial_memory(self, batch: tuple[int, ...] = ()) -> Any:
        """Memory at the start of episodes, with leading axes `batch`; an empty tuple for a policy without a memory."""
        return initial_memory(self.policy, batch)

    def step(self, observation: Any, memory: Any, key: PRNGKeyArray | None = None) -> tuple[Any, Any]:
        """Action for an observation, and the memory for the episode's next step; without a key the deterministic action.

        An episode begins with `initial_memory` of the observation's batch axes. A policy without memory steps too.

        Raises:
            ArtefactError: if the observation or the memory has another shape than it must have, or is not finite.
        """
        self.matches(observation)
        observation = self.described.array(observation)
        batch = self.described.batch(observation)
        if _shapes(memory) != _shapes(self.initial_memory(batch)):
            raise ArtefactError(f"memory does not fit: must come from initial_memory({batch}) or step")
        action, memory = act(self.policy, observation, memory, key)
        return jax.tree.map(np.asarray, action), memory


def _shapes(tree: Any) -> tuple[Any, list[tuple[int, ...]]]:
    return jax.tree.structure(tree), [np.shape(leaf) for leaf in jax.tree.leaves(tree)]


def save_policy(folder: Path, artefact: PolicyArtefact) -> None:
    """Write an artefact; an existing one is replaced only by a complete new one.

    Args:
        folder: made if need be.
        artefact: what to save.

    Raises:
        EdgewiseError: if the policy is of no registered kind, or nothing describes its observations.
    """
    policy = core(artefact.policy)
    kind = kind_of(policy)
    golden = make_golden(artefact.policy, artefact.described)
    arrays = {name: np.asarray(leaf) for name, leaf in _named_arrays(policy).items()}
    weights = safetensors.numpy.save(arrays | _golden_arrays(golden))
    inputs = artefact.inputs
    description: dict[str, Any] = {
        "format": FORMAT,
        "edgewise": __version__,
        "versions": _versions(),
        "kind": kind,
        "architecture": policy.architecture,
        "inputs": None if inputs is None else plain_scaling(inputs),
        "observation": plain_description(artefact.described),
        "action": None if artefact.action is None else plain_description(artefact.action),
        "decoder": artefact.decoder,
        "agent": artefact.agent,
        "golden": {"examples": EXAMPLES, "tolerance": TOLERANCE},
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "environment": artefact.environment,
        "environment_config": artefact.environment_config,
        "algorithm": artefact.algorithm,
        "steps": artefact.steps,
    }
    description["sha256"] = digest(description)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / WEIGHTS_FILE, weights)
    replace_file(folder / DESCRIPTION_FILE, json.dumps(description, indent=2).encode())


def load_policy(folder: Path | str, check: bool = True) -> PolicyArtefact:
    """Read an artefact. Needs nothing of the code that trained it.

    Args:
        folder: the folder of the artefact.
        check: do its examples again, and refuse it if it acts otherwise than where it was saved.

    Raises:
        ArtefactError: if a file is missing, or its content is damaged (both files carry a checksum), of a newer format,
            or does not fit the architecture it claims; or if it acts otherwise than in its examples.
    """
    folder = Path(folder)
    description = read_description_file(folder)
    weights = read_bytes(folder / WEIGHTS_FILE)
    if hashlib.sha256(weights).hexdigest() != description["weights_sha256"]:
        raise ArtefactError(
            f"{folder / WEIGHTS_FILE}: content does not match the checksum in {DESCRIPTION_FILE}: damaged"
        )
    tensors = safetensors.numpy.load(weights)
    examples = {name: array for name, array in tensors.items() if name.startswith(GOLDEN)}
    inside = _rebuild(folder, description, {name: tensors[name] for name in tensors if name not in examples})
    inputs, older = description["inputs"], description["format"] < FORMAT
    policy = with_inputs(inside, None if inputs is None else read_scaling(inputs))
    artefact = PolicyArtefact(
        policy=policy,
        environment=description["environment"],
        environment_config=description["environment_config"],
        algorithm=description["algorithm"],
        steps=description["steps"],
        observation=None if older else read_description(description["observation"]),
        action=None if older or description["action"] is None else read_description(description["action"]),
        agent=None if older else description["agent"],
        decoder=None if older else description["decoder"],
        versions={"edgewise": description["edgewise"]} if older else description["versions"],
    )
    if check and not older:
        wrong = check_golden(policy, _read_golden(examples, artefact.described))
        if wrong is not None:
            raise ArtefactError(
                f"{folder}: acts otherwise than where it was saved, beyond the tolerance {TOLERANCE:g}: {wrong}; "
                f"saved with {_told(artefact.versions)}; here: {_told(_versions())}; load_policy(..., check=False) takes it"
            )
    return artefact


def _rebuild(folder: Path, description: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Any:
    """The policy of an architecture with the given weights; no random ones are drawn for it."""
    path, kind = folder / DESCRIPTION_FILE, description["kind"]
    if kind not in KINDS.names():
        raise ArtefactError(f"{path}: kind = {kind!r}: must be one of {', '.join(KINDS.names())}")
    architecture = description["architecture"]
    try:
        blank = eqx.filter_eval_shape(lambda: KINDS.find(kind).blank(architecture))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"{path}: architecture = {architecture!r}: must be one of a {kind} policy") from error
    expected = _named_arrays(blank)
    if {name: t.shape for name, t in tensors.items()} != {name: t.shape for name, t in expected.items()}:
        raise ArtefactError(f"{folder / WEIGHTS_FILE}: tensors do not fit the architecture in {DESCRIPTION_FILE}")
    return jax.tree.unflatten(jax.tree.structure(blank), [jnp.asarray(tensors[name]) for name in expected])


def _named_arrays(policy: Any) -> dict[str, Any]:
    paths = jax.tree_util.tree_leaves_with_path(policy)
    return {jax.tree_util.keystr(path).lstrip("."): leaf for path, leaf in paths}


def _golden_arrays(golden: Golden) -> dict[str, np.ndarray]:
    seen = jax.tree.leaves(golden.observation)
    acted = {f"/{i:03d}": leaf for i, leaf in enumerate(jax.tree.leaves(golden.action))}
    if isinstance(golden.action, np.ndarray):
        acted = {"": golden.action}
    return {
        **{f"{GOLDEN}action{end}": np.ascontiguousarray(leaf) for end, leaf in acted.items()},
        f"{GOLDEN}steady": golden.steady,
        **{f"{GOLDEN}observation/{i:03d}": np.ascontiguousarray(leaf) for i, leaf in enumerate(seen)},
        **{f"{GOLDEN}memory/{i:03d}": np.ascontiguousarray(leaf) for i, leaf in enumerate(golden.memory)},
    }


def _read_golden(arrays: Mapping[str, np.ndarray], description: Description) -> Golden:
    def of(part: str) -> list[np.ndarray]:
        return [arrays[name] for name in sorted(arrays) if name.startswith(f"{GOLDEN}{part}/")]

    like = jax.eval_shape(description.space.sample, jax.random.key(0))
    observation = jax.tree.unflatten(jax.tree.structure(like), of("observation"))
    action = arrays.get(f"{GOLDEN}action", of("action"))
    return Golden(observation, action, arrays[f"{GOLDEN}steady"], tuple(of("memory")))


def _versions() -> dict[str, str]:
    libraries = {name: metadata.version(name) for name in ("jax", "equinox", "numpy")}
    return {"edgewise": __version__, "python": platform.python_version(), **libraries}


def _told(versions: Mapping[str, str] | None) -> str:
    return ", ".join(f"{name} {version}" for name, version in (versions or {}).items())
