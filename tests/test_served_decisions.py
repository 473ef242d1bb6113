"""Decisions behind the server: the bits of `policy.act` for every kind of policy, deadlines, versions and shadows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import served
from edgewise.common.errors import ConfigurationError
from edgewise.environments.description import Description
from edgewise.policies.artefact import PolicyArtefact
from edgewise.policies.registry import KINDS
from edgewise.serving.actor import Actor, same, shapes_of
from edgewise.serving.decide import Decider, Put
from edgewise.serving.logs import set_up
from edgewise.serving.measures import Measures
from edgewise.serving.models import Source, load_model
from edgewise.serving.repository import Repository
from edgewise.systems.agent_migration import features

VECTOR = {"observation_size": 6, "hidden": [16, 16]}
DENOISER = {**VECTOR, "action_size": 3, "time_embedding": 8, "denoising_steps": 3}
SETS = {"rows": "vehicles", "columns": "units", "choice": "target", "switch": "defence", "advice": None}
PAIRS = {
    "sizes": [len(fields) for fields in (features.VEHICLE_FIELDS, features.UNIT_FIELDS, features.PAIR_FIELDS)],
    "width": 8,
    "rounds": 1,
    "sets": SETS,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "deterministic": {**VECTOR, "action_size": 3},
    "gaussian": {**VECTOR, "action_size": 3},
    "squashed-gaussian": {**VECTOR, "action_size": 3},
    "greedy": {**VECTOR, "actions": 5},
    "categorical": {**VECTOR, "actions": 5, "masked": False},
    "distributional": {**VECTOR, "actions": 5, "stream": 8, "atoms": 7, "low": -1.0, "high": 1.0},
    "diffusion": {**DENOISER, "squash": True},
    "squashed-diffusion": {**DENOISER, "last_noise": True, "predicts": "noise", "chain_noise": "forward"},
    "categorical-diffusion": {**DENOISER, "predicts": "clean", "masked": False},
    "rescaled": {
        "kind": "deterministic",
        "architecture": {**VECTOR, "action_size": 2},
        "low": [-2.0, 0.0],
        "high": [2.0, 5.0],
    },
    "uniform": {"observation_size": 6, "low": [-1.0, 0.0], "high": [1.0, 3.0]},
    "recurrent-greedy": {**VECTOR, "actions": 5, "cell": "lstm", "memory": 8},
    "recurrent-gaussian": {"inputs": 6, "hidden": [16], "memory": [8], "low": [-1.0, 0.0], "high": [1.0, 2.0]},
    "matching": PAIRS,
    "matching-diffusion": {**PAIRS, "time_embedding": 8, "denoising_steps": 3},
    "masked-matching": {**PAIRS, "time_embedding": 0, "steps": 2},
    "decentralised": {"kind": "matching", "policy": PAIRS},
}
"""A small policy of every kind."""


def made(kind: str) -> Any:
    """A policy with drawn weights."""
    blank = KINDS.find(kind).blank(ARCHITECTURES[kind])
    leaves, structure = jax.tree.flatten(blank)
    keys = jax.random.split(jax.random.key(7), len(leaves))
    drawn = [
        leaf + 0.5 * jax.random.normal(key, leaf.shape) if leaf.dtype == np.float32 and leaf.ndim > 1 else leaf
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(structure, drawn)


def described(kind: str) -> Description:
    if kind == "decentralised":
        from edgewise.systems.agent_migration import views

        return Description.of(views.space(3, 2), "observation")
    if "matching" in kind:
        return Description.of(features.space(3, 2), "observation")
    return Description.of_size(6, "observation")


def test_there_is_a_policy_of_every_kind() -> None:
    assert set(ARCHITECTURES) == set(KINDS.names())


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_served_actions_have_the_bits_of_the_policy(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewise.serving.actor.BATCHES", (1, 4))
    description = described(kind)
    artefact = PolicyArtefact(made(kind), "nowhere", {}, "none", 0, observation=description)
    keys = jax.random.split(jax.random.key(1), 4)
    if isinstance(description.space, features.Bipartite) or kind == "decentralised":
        drawn = [jax.device_get(description.space.sample(key)) for key in keys]
    else:
        drawn = [np.asarray(jax.random.normal(key, (6,))) for key in keys]
    seen = [description.array(each) for each in drawn]
    actor = Actor(artefact.policy)
    memory: Any = artefact.initial_memory()
    for _ in range(2 if jax.tree.leaves(memory) else 1):  # the second time there is something to remember
        offline = [artefact.step(each, memory) for each in seen]
        alone = [actor.act([(each, jax.device_get(memory))])[0] for each in seen]
        actor.prepare(seen[0])
        together = actor.act([(each, jax.device_get(memory)) for each in seen])
        for ours in (alone, together):
            for (action, later), (expected, remembered) in zip(ours, offline, strict=True):
                assert same(action, expected)
                assert same(later, jax.device_get(remembered))
        memory = offline[0][1]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Source, Source]:
    set_up("error")
    folder = tmp_path_factory.mktemp("models")
    return tuple(  # type: ignore[return-value]
        Source(name, served.save_small_policy(folder / name, seed)) for name, seed in (("one", 3), ("other", 4))
    )


def observation(seed: int) -> Any:
    description = described("matching")
    return description.array(jax.device_get(description.space.sample(jax.random.key(seed))))


def test_questions_that_wait_are_decided_together(models: tuple[Source, Source]) -> None:
    measures = Measures()
    decider = Decider(60.0, measures)
    model = load_model(models[0])
    questions = [Put(model, observation(seed)) for seed in range(7)]
    decider.put(questions)
    for question in questions:
        action, memory = question.answer.result(timeout=60)
        assert same(action, model.artefact.act(question.observation))
        assert memory == ()
    decider.close()
    assert measures.registry.get_sample_value("edgewise_batch_size_count", {"model": "one"}) == 1
    assert len({str(shapes_of(question.asked)) for question in questions}) == 1


def test_a_shadow_is_compared_and_never_answers(models: tuple[Source, Source]) -> None:
    measures = Measures()
    decider = Decider(60.0, measures)
    model, shadow = map(load_model, models)
    questions = [Put(model, observation(seed), shadow=shadow) for seed in range(5)]
    decider.put(questions)
    answers = [question.answer.result(timeout=60)[0] for question in questions]
    decider.close()
    agree = [same(answer, shadow.artefact.act(q.observation)) for answer, q in zip(answers, questions, strict=True)]
    for wanted in (True, False):
        told = {"model": "one", "shadow": "other", "policy": shadow.digest, "agrees": str(wanted).lower()}
        assert (measures.registry.get_sample_value("edgewise_shadow_decisions_total", told) or 0) == agree.count(wanted)
    assert not all(agree)


def test_versions_are_swapped_and_found_again(models: tuple[Source, Source], tmp_path: Path) -> None:
    folder = tmp_path / "served"
    shutil.copytree(models[0].folder, folder)
    warmed: list[str] = []
    repository = Repository([Source("served", folder), models[1]], lambda model: warmed.append(model.digest))
    first = repository.load("served")
    assert repository.load("served") is first
    for name in ("weights.safetensors", "policy.json"):
        shutil.copy(models[1].folder / name, folder / name)
    second = repository.load("served")
    assert warmed == [first.digest, second.digest]
    assert repository.find("served") is second
    assert repository.find("served", first.digest[:12]) is first
    assert repository.load("served", first.digest) is first
    assert repository.find("served") is first
    (folder / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(Exception, match="damaged"):
        repository.load("served")
    assert repository.find("served") is first
    with pytest.raises(ConfigurationError, match="version"):
        repository.load("served", "0" * 64)
    repository.load("other")
    repository.set_shadow("served", "other")
    assert repository.shadow("served") is repository.find("other")
    repository.unload("other")
    assert repository.shadow("served") is None
    with pytest.raises(ConfigurationError, match="model"):
        repository.find("other")
