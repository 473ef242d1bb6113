"""The policy artefact: loaded elsewhere it acts the same, damaged it says so."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from crowd import Crowd
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import make_schedule
from edgewise.environments import registry
from edgewise.environments.description import Description
from edgewise.environments.fields import Field, vector
from edgewise.environments.scaled import ScaledObservations
from edgewise.networks.mlp import MLP
from edgewise.policies import artefact as module
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.description_file import ArtefactError
from edgewise.policies.diffusion import DiffusionPolicy
from edgewise.policies.golden import make_golden
from edgewise.policies.registry import KINDS, register_kind
from edgewise.policies.scaled import ScaledPolicy, with_inputs
from edgewise.training.saved import describe_spaces

OBSERVATION = np.linspace(-1, 1, 6, dtype=np.float32)
READER = """
import sys
import numpy as np, jax
from edgewise.policies.artefact import load_policy
policy = load_policy(sys.argv[1])
observation = np.linspace(-1, 1, 6, dtype=np.float32)
np.save(sys.argv[2], np.stack([policy.act(observation), policy.act(observation, jax.random.key(4))]))
loaded = [name for name in sys.modules if name.startswith(("edgewise.training", "edgewise.algorithms", "optax", "flashbax"))]
assert not loaded, loaded
"""


def make(squash: bool = False) -> PolicyArtefact:
    denoiser = Denoiser(6, 3, (16, 16), 8, jax.random.key(0))
    return PolicyArtefact(
        DiffusionPolicy(denoiser, make_schedule("vp", 4), squash), "agent-migration", {"vehicles": 2}, "cgdm", 100
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefact")
    save_policy(folder, make())
    return folder


def test_a_fresh_process_acts_the_same(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "actions.npy"
    subprocess.run([sys.executable, "-c", READER, str(folder), str(output)], check=True)
    ours = make()
    expected = np.stack([ours.act(OBSERVATION), ours.act(OBSERVATION, jax.random.key(4))])
    np.testing.assert_array_equal(np.load(output), expected)


def test_everything_known_comes_back(folder: Path) -> None:
    loaded, saved = load_policy(folder), make()
    for name in ("environment", "environment_config", "algorithm", "steps"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert all(
        np.array_equal(a, b) for a, b in zip(jax.tree.leaves(loaded.policy), jax.tree.leaves(saved.policy), strict=True)
    )


@pytest.mark.parametrize("case", range(50))
def test_damage_is_found(folder: Path, tmp_path: Path, case: int) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    draw = random.Random(case)
    file = broken / draw.choice([module.DESCRIPTION_FILE, module.WEIGHTS_FILE])
    content = bytearray(file.read_bytes())
    kind = ("flip", "cut", "remove", "other", "empty", "grow")[case % 6]
    if kind == "flip":
        place = draw.randrange(len(content))
        content[place] ^= 1 << draw.randrange(8)
        if file.name == module.DESCRIPTION_FILE and bytes(content).split() == file.read_bytes().split():
            content[0] = 0  # the flip fell on white space, which means nothing
    elif kind == "cut":
        del content[draw.randrange(len(content)) :]
    elif kind == "other":
        content = bytearray(json.dumps({"format": 2}).encode())
    elif kind == "empty":
        content = bytearray()
    elif kind == "grow":
        content += b"\0\0"
    file.write_bytes(content)
    if kind == "remove":
        file.unlink()
    with pytest.raises(ArtefactError) as caught:
        load_policy(broken)
    assert "\n" not in str(caught.value)
    assert file.name in str(caught.value)


def test_newer_formats_and_other_architectures_are_refused(folder: Path, tmp_path: Path) -> None:
    for change, said in (({"format": 99}, "format = 99"), ({"architecture": {"hidden": [8, 8]}}, "architecture")):
        broken = tmp_path / said.split()[0]
        shutil.copytree(folder, broken)
        description = json.loads((broken / module.DESCRIPTION_FILE).read_text())
        description |= {k: ({**description[k], **v} if isinstance(v, dict) else v) for k, v in change.items()}
        description["sha256"] = module.digest(description)
        (broken / module.DESCRIPTION_FILE).write_text(json.dumps(description))
        with pytest.raises(ArtefactError, match=said):
            load_policy(broken)


@pytest.mark.parametrize(
    "observation", [np.zeros(5, np.float32), np.zeros((2, 7), np.float32), np.full(6, np.nan, np.float32)]
)
def test_bad_observations_are_refused(folder: Path, observation: np.ndarray) -> None:
    with pytest.raises(ArtefactError, match="observation"):
        load_policy(folder).act(observation)


def test_a_failed_write_leaves_the_old_artefact(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "policy"
    save_policy(target, make())
    before = {p.name: p.read_bytes() for p in target.iterdir()}
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_policy(target, make(squash=True))
    assert {p.name: p.read_bytes() for p in target.iterdir()} == before


FIELDS = (
    Field("position", "m", -1.0, 1.0, (2, 2), 50.0, (100.0, 200.0, 100.0, 200.0), "x and y of two vehicles"),
    Field("load", "slot", -0.5, 1.5, (2,), 2.0, 1.0),
)


def described() -> PolicyArtefact:
    return replace(
        make(),
        observation=Description.of(vector(FIELDS), "observation", FIELDS),
        action=Description.of(vector((Field("speed", "m/s", -1.0, 1.0, (3,), 10.0),)), "action",
                              (Field("speed", "m/s", -1.0, 1.0, (3,), 10.0),)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> PolicyArtefact:
    folder = tmp_path_factory.mktemp("described")
    save_policy(folder, described())
    return load_policy(folder)


class TestDeployment:
    """What a user of the folder needs, without a look at the source."""

    def test_fields_come_back(self, loaded: PolicyArtefact) -> None:
        assert loaded.fields == FIELDS
        assert loaded.action is not None
        assert [(f.name, f.unit) for f in loaded.action.fields] == [("speed", "m/s")]
        assert {"edgewise", "jax", "python"} <= set(loaded.versions or {})

    def test_quantities_become_an_observation(self, loaded: PolicyArtefact) -> None:
        position = np.array([[100.0, 250.0], [50.0, 200.0]])
        observation = loaded.observe(position=position, load=[1.0, 4.0])
        np.testing.assert_allclose(observation, [0, 1, -1, 0, 0, 1.5])
        batch = loaded.observe(position=np.stack([position] * 3), load=np.ones((3, 2)))
        assert loaded.act(batch).shape == (3, 3)
        for wrong, said in (
            ({"position": position}, "load is missing"),
            ({"position": position, "load": [1.0], "speed": 1}, "field = 'speed': must be one of position, load"),
            ({"position": position, "load": [1.0]}, r"load = \(1,\): must be of a shape that ends in \(2,\)"),
        ):
            with pytest.raises(ConfigurationError, match=said):
                loaded.observe(**wrong)

    def test_actions_have_units(self, loaded: PolicyArtefact) -> None:
        np.testing.assert_allclose(loaded.decode(np.array([0.5, -1, 0]))["speed"], [5, -10, 0])

    @pytest.mark.parametrize(
        ("observation", "said"),
        [
            (np.zeros(5), r"observation: has shape \(5,\): must end in 6: position \[2, 2\], load \[2\]"),
            (np.array([0, 0, 0, np.nan, 0, 0]), r"observation: position\[1, 1\] is not finite"),
            (np.array([[0, 0, 0, 0, 0, np.inf]]), r"observation: load\[1\] is not finite"),
            ({"position": 1}, "observation: is no array of numbers"),
        ],
    )
    def test_errors_name_the_field(self, loaded: PolicyArtefact, observation: object, said: str) -> None:
        with pytest.raises(ArtefactError, match=said):
            loaded.act(observation)

    def test_fields_that_do_not_fill_the_space_are_refused(self) -> None:
        with pytest.raises(ValueError, match="6 components together: must be the 5"):
            Description.of(vector((Field("all", "1", 0.0, 1.0, (5,)),)), "observation", FIELDS)


class TestExamples:
    def damage(self, folder: Path, tmp_path: Path) -> Path:
        """An artefact whose weights differ, with checksums that fit: as if another machine computed otherwise."""
        other = tmp_path / "other"
        shutil.copytree(folder, other)
        tensors = safetensors.numpy.load_file(other / module.WEIGHTS_FILE)
        name = "denoiser.body.layers[1].bias"
        tensors[name] = tensors[name] + np.float32(0.1)
        weights = safetensors.numpy.save(tensors)
        (other / module.WEIGHTS_FILE).write_bytes(weights)
        description = json.loads((other / module.DESCRIPTION_FILE).read_text())
        description["weights_sha256"] = hashlib.sha256(weights).hexdigest()
        description["sha256"] = module.digest(description)
        (other / module.DESCRIPTION_FILE).write_text(json.dumps(description))
        return other

    def test_a_policy_that_acts_otherwise_is_refused(self, folder: Path, tmp_path: Path) -> None:
        other = self.damage(folder, tmp_path)
        with pytest.raises(
            ArtefactError, match=r"acts otherwise .* tolerance 0\.001: the action of example \d is .*jax"
        ):
            load_policy(other)
        assert load_policy(other, check=False).act(OBSERVATION).shape == (3,)

    def test_a_tie_is_no_example(self, tmp_path: Path) -> None:
        class Tie(eqx.Module):
            """Two actions of equal value, but for rounding."""

            observation_size: int = eqx.field(static=True, default=2)

            def __call__(self, observation: jax.Array, key: jax.Array | None) -> jax.Array:
                return (jnp.sin(observation[..., 0] * 1234567) > 0).astype(int)

        assert not make_golden(Tie(), Description.of_size(2, "observation")).steady.all()


def test_an_artefact_of_format_2_is_read() -> None:
    loaded = load_policy(Path(__file__).parent / "data" / "format-2")
    assert isinstance(loaded.policy, ScaledPolicy)
    assert (loaded.environment, loaded.algorithm, loaded.steps) == ("pendulum", "ppo", 10)
    assert [(field.name, field.shape) for field in loaded.fields] == [("observation", (3,))]
    action = loaded.act(np.array([0.5, -0.25, 1.5], np.float32))
    np.testing.assert_allclose(action, [-0.48567054, -0.04139861], rtol=1e-5)
    with pytest.raises(ArtefactError, match="must end in 3"):
        loaded.act(np.zeros(4))


class PooledPolicy(eqx.Module):
    """A user's own kind, on a structured observation: quarters by the mean place of the walkers that are there."""

    network: MLP

    @property
    def architecture(self) -> dict[str, Any]:
        return {"width": self.network.layers[0].weight.shape[0]}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> PooledPolicy:
        return PooledPolicy(MLP((2, architecture["width"], 4), jax.random.key(0)))

    def __call__(self, observation: Any, key: jax.Array | None) -> jax.Array:
        walkers = observation["walkers"]
        there = walkers["mask"][..., None]
        mean = jnp.where(there, walkers["position"], 0.0).sum(-2) / jnp.maximum(there.sum(-2), 1)
        return jnp.argmax(self.network(mean), -1)


def test_a_kind_of_ones_own_on_structured_observations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    inputs = ScaledObservations(crowd, 1.0).inputs
    policy = with_inputs(PooledPolicy(MLP((2, 8, 4), jax.random.key(3))), inputs)
    observation, action = describe_spaces(registry.find("pendulum"), crowd)
    artefact = PolicyArtefact(policy, "crowd", {}, "own", 5, observation, action)
    with pytest.raises(EdgewiseError, match="PooledPolicy: must be a kind of policy that is registered"):
        save_policy(tmp_path, artefact)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(KINDS, "_registered", {})
    register_kind("pooled", PooledPolicy)
    save_policy(tmp_path, artefact)
    loaded = load_policy(tmp_path)
    assert loaded.inputs == inputs
    assert [(f.name, f.unit, f.shape) for f in loaded.fields][:3] == [
        ("walkers/mask", "1", (4,)),
        ("walkers/position", "m", (4, 2)),
        ("walkers/body/distance", "m", (4,)),
    ]
    drawn = jax.vmap(crowd.observation_space.sample)(jax.random.split(jax.random.key(1), 5))
    np.testing.assert_array_equal(loaded.act(drawn), policy(drawn, None))
    assert loaded.decode(np.asarray(2)) == {"choice": 2}
    with pytest.raises(ArtefactError, match="clock/time is missing"):
        loaded.act({**drawn, "clock": {"phase": np.zeros(5)}})
    with pytest.raises(ArtefactError, match="no vectors"):
        loaded.observe(time=3)


def test_a_policy_that_nobody_describes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KINDS, "_registered", {"pooled": PooledPolicy})
    policy = PooledPolicy(MLP((2, 8, 4), jax.random.key(3)))
    with pytest.raises(ArtefactError, match="must have a description"):
        save_policy(tmp_path / "policy", PolicyArtefact(policy, "crowd", {}, "own", 5))
