"""Verdicts: what is not as it was ordered is refused with the name of a check, and nothing of it is carried out."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")

import construction_parts as parts
from edgewise.common import packed
from edgewise.construction.acceptance import draw_tasks, successes
from edgewise.construction.agent import Agent, integrate
from edgewise.construction.artefact import Module, Refused, pack, unpack
from edgewise.construction.keys import Key, make_key
from edgewise.construction.kind import MODULES
from edgewise.construction.verdicts import (
    ACCEPTED,
    VERDICTS,
    Examined,
    Held,
    Wanted,
    check_acceptance,
    distance,
    examine,
    examine_all,
    integrate_best,
)

KIND, ROUNDS = "perception", 40
TASKS = draw_tasks(("hidden",), 12, 3)


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


@pytest.fixture(scope="module")
def held() -> Held:
    return parts.held_for(KIND, 0.3)


@pytest.fixture(scope="module")
def good(key: Key) -> tuple[bytes, Wanted]:
    return parts.delivered(KIND, ROUNDS, key)


def again(content: bytes, key: Key, weights: Any = None, **values: Any) -> bytes:
    """A module with another manifest or weights, signed by whom it may be."""
    module = unpack(content)
    return pack(replace(module.manifest, **values), module.weights if weights is None else weights, key)


def test_an_honest_module_is_measured_and_accepted(good: tuple[bytes, Wanted], held: Held) -> None:
    found = examine(*good, held)
    assert (found.verdict, found.why) == (ACCEPTED, "")
    module = unpack(good[0])
    chosen = MODULES.find(KIND).respond(module.weights, held.hidden).argmax(-1)
    assert found.quality == pytest.approx(np.mean(chosen == held.hidden["answer"]))


def test_each_check_has_its_verdict(good: tuple[bytes, Wanted], held: Held, key: Key) -> None:
    content, wanted = good
    weights = unpack(content).weights
    noise = {name: array + np.float32(0.001) * np.sign(array) for name, array in weights.items()}
    outputs = MODULES.find(KIND).respond(weights, held.probe)
    wrong = {name: -array for name, array in weights.items()}
    cases: list[tuple[str, bytes, Wanted, Held]] = [
        ("author", content, replace(wanted, author=make_key().public), held),
        ("replayed", content, replace(wanted, order="another"), held),
        ("replayed", content, wanted, replace(held, delivered={unpack(content).manifest.digest})),
        ("kind", again(content, key, kind="memory"), wanted, held),
        ("kind", again(content, key, interface=2), wanted, held),
        ("kind", again(content, key, outputs={}), wanted, held),
        ("rounds", content, replace(wanted, rounds=ROUNDS + 1), held),
        ("weights", again(content, key, weights | {"more": weights["bias"]}), wanted, held),
        ("weights", again(content, key, weights | {"bias": weights["bias"][1:]}), wanted, held),
        ("weights", again(content, key, weights | {"bias": weights["bias"].astype(np.float16)}), wanted, held),
        (
            "weights",
            again(content, key, {name: 3e38 * np.sign(array) for name, array in weights.items()}),
            wanted,
            held,
        ),
        ("size", again(content, key, data="x" * 2**21), wanted, replace(held, limit=2**23)),
        ("oversized", again(content, key, data="x" * 2**20), wanted, held),
        ("untrained", again(content, key, held.initial), wanted, held),
        ("copy", again(content, key, noise), wanted, replace(held, earlier={"another": [outputs]})),
        ("quality", again(content, key, wrong), wanted, held),
    ]
    for verdict, sent, ordered, what in cases:
        found = examine(sent, ordered, what)
        assert (found.verdict, bool(found.why)) == (verdict, True), verdict
        assert verdict in VERDICTS


def test_an_author_may_go_on_from_an_earlier_module(good: tuple[bytes, Wanted], held: Held) -> None:
    outputs = MODULES.find(KIND).respond(unpack(good[0]).weights, held.probe)
    assert examine(*good, replace(held, earlier={good[1].author: [outputs]})).verdict == ACCEPTED


def test_of_two_that_act_alike_the_first_is_the_authors(good: tuple[bytes, Wanted], held: Held) -> None:
    thief = make_key()
    stolen = again(good[0], thief), replace(good[1], author=thief.public)
    assert [each.verdict for each in examine_all([good, stolen], {KIND: held})] == [ACCEPTED, "copy"]
    other = parts.delivered(KIND, ROUNDS, thief, seed=5)
    assert [each.verdict for each in examine_all([good, other, good], {KIND: held})] == [ACCEPTED, ACCEPTED, "replayed"]


def test_distance_is_that_of_the_outputs_over_the_shorter_way() -> None:
    start, one, other = np.zeros(4), np.array([3.0, 0, 0, 0]), np.array([0.0, 4, 0, 0])
    assert distance(one, other, start) == pytest.approx(5 / 3)
    assert distance(one, one, start) == 0


class Trap:
    """What would write a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def uploads(content: bytes, key: Key, trap: Path) -> Iterator[bytes]:
    """A hundred uploads that are no honest modules of this order."""
    rng = np.random.default_rng(0)
    arrays, facts = packed.unpack(content)
    module = unpack(content)
    for _ in range(40):  # damaged on the way
        damaged = bytearray(content)
        damaged[int(rng.integers(len(content)))] ^= int(rng.integers(1, 256))
        yield bytes(damaged)
    for length in rng.integers(len(content), size=15):
        yield content[:length]
    for length in rng.integers(1, 5000, size=15):
        yield rng.bytes(int(length))
    for number in range(10):  # a replay of another order, signed well
        yield again(content, key, order=f"older {number}")
    for _ in range(10):  # signed by no one, or by another
        manifest = {**facts["manifest"], "signature": rng.bytes(64).hex()}
        yield packed.pack(arrays, {**facts, "manifest": manifest})
    for _ in range(5):
        yield again(content, make_key())
    for size in range(1, 6):  # oversized
        yield content + b"\0" * (size * 2**20)
    hidden = io.BytesIO()
    np.save(hidden, np.array([Trap(trap)], dtype=object), allow_pickle=True)
    yield from (pickle.dumps(Trap(trap)), hidden.getvalue(), b"PK\x03\x04" + pickle.dumps(Trap(trap)))
    for wrong in ("[" * 50_000, '{"format": 1e999}', '{"format": 1, "manifest": {"rounds": [{"loss": NaN}]}}', "null"):
        import safetensors.numpy

        yield safetensors.numpy.save({packed.FACTS: np.frombuffer(wrong.encode(), np.uint8)})
    for name in ("../../key.pem", "/etc/passwd", "array/choice", "\0", "x" * 10_000):
        yield pack(module.manifest, {**module.weights, name: module.weights["bias"]}, key)
    for value in (np.nan, np.inf, -np.inf):
        yield pack(module.manifest, module.weights | {"bias": np.full_like(module.weights["bias"], value)}, key)


def test_a_hundred_bad_uploads_are_refused_by_name(
    good: tuple[bytes, Wanted], held: Held, key: Key, tmp_path: Path
) -> None:
    trap = tmp_path / "executed"
    sent = list(uploads(good[0], key, trap))
    assert len(sent) >= 100
    before = sorted(Path.cwd().iterdir())
    found = [examine(each, good[1], held) for each in sent]
    unharmed = [each for each in found if each.verdict == ACCEPTED]
    assert len(unharmed) < 10  # a changed bit may have changed nothing that is read
    for each in unharmed:
        assert each.module is not None
        assert each.module.manifest.digest == unpack(good[0]).manifest.digest
    refused = [each for each in found if each.verdict != ACCEPTED]
    assert len(refused) >= 100
    assert {each.verdict for each in refused} >= {"malformed", "digest", "signature", "author", "replayed", "oversized"}
    assert all(each.verdict in VERDICTS and each.why and "\n" not in each.why for each in refused)
    assert not trap.exists()
    assert sorted(Path.cwd().iterdir()) == before
    assert examine(*good, held).verdict == ACCEPTED


class TestIntegration:
    """An agent of what passes."""

    def examined(self, good: tuple[bytes, Wanted], quality: float, seed: int = 1) -> Examined:
        content, wanted = good if seed == 1 else parts.delivered(KIND, ROUNDS, make_key(), seed)
        return Examined(wanted, module=unpack(content), quality=quality)

    def test_takes_the_best_of_each_place(self, good: tuple[bytes, Wanted], held: Held, key: Key) -> None:
        two = [self.examined(good, 0.5), self.examined(good, 0.7, seed=2)]
        found, agent = integrate_best(two, {KIND: held}, TASKS, key)
        assert [each.verdict for each in found] == [ACCEPTED, ACCEPTED]
        assert agent.lock.modules == {KIND: two[1].module.manifest.digest if two[1].module else ""}
        assert agent.lock.acceptance == successes(agent, TASKS).mean()
        assert agent.missing == ("memory", "planning", "decision", "reflection", "action")
        assert "no module for memory" in agent.message

    def test_replaces_what_is_refused_by_the_next_best(
        self, good: tuple[bytes, Wanted], held: Held, key: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        two = [self.examined(good, 0.5), self.examined(good, 0.7, seed=2)]

        def refuse(module: Module, *more: Any) -> None:
            if module is two[1].module:
                raise Refused("acceptance", "spoils the agent")

        monkeypatch.setattr("edgewise.construction.verdicts.check_acceptance", refuse)
        found, agent = integrate_best(two, {KIND: held}, TASKS, key)
        assert [each.verdict for each in found] == [ACCEPTED, "acceptance"]
        assert agent.lock.modules == {KIND: two[0].module.manifest.digest if two[0].module else ""}

    def test_refuses_what_makes_the_agent_worse(self, good: tuple[bytes, Wanted], held: Held) -> None:
        module = unpack(good[0])

        def success(agent: Agent, tasks: Any) -> np.ndarray:
            return np.zeros(12, bool) if module.manifest.digest in agent.lock.modules.values() else np.ones(12, bool)

        with pytest.raises(Refused, match=r"acceptance: .* 100\.0% fewer tasks"):
            check_acceptance(module, [], held, TASKS, {}, success)

    def test_of_nothing_is_an_agent_of_rules(self, key: Key) -> None:
        found, agent = integrate_best([], {}, TASKS, key)
        assert (found, agent.modules) == ([], {})
        assert agent.lock.acceptance == successes(integrate([], key), TASKS).mean()
