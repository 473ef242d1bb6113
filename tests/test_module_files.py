"""Files of modules and keys: what is read is what was signed, and nothing else is."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")

from edgewise.common import packed
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.artefact import Module, Refused, describe, pack, read, unpack, write
from edgewise.construction.keys import Key, load_key, make_key, verify
from edgewise.construction.kind import MODULES

KIND = MODULES.find("perception")


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


@pytest.fixture(scope="module")
def content(key: Key) -> bytes:
    manifest = replace(describe("perception", KIND, 7, "drawn", "order 1"), rounds=({"loss": 1, "cpu_seconds": 0.5},))
    return pack(manifest, KIND.initial(0), key)


def refusal(content: bytes, limit: int = 2**20) -> str:
    with pytest.raises(Refused) as caught:
        unpack(content, limit)
    assert "\n" not in str(caught.value)
    return caught.value.verdict


def changed(content: bytes, **values: Any) -> bytes:
    arrays, facts = packed.unpack(content)
    return packed.pack(arrays, {**facts, "manifest": {**facts["manifest"], **values}})


def test_what_is_packed_is_read(content: bytes, key: Key, tmp_path: Path) -> None:
    write(tmp_path / "folder" / "one.module", content)
    module = read(tmp_path / "folder" / "one.module")
    assert (module.manifest.author, module.manifest.order) == (key.public, "order 1")
    assert module.manifest.cpu_seconds == 0.5
    for name, array in KIND.initial(0).items():
        np.testing.assert_array_equal(module.weights[name], array)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["one.module"]


def test_every_change_is_found(content: bytes) -> None:
    assert refusal(changed(content, examples=8)) == "digest"
    assert refusal(changed(content, order="order 2")) == "digest"
    assert refusal(changed(content, author=make_key().public)) == "digest"
    assert refusal(changed(content, signature="00" * 64)) == "signature"
    assert refusal(changed(content, signature="no")) == "signature"
    arrays, facts = packed.unpack(content)
    assert refusal(packed.pack({**arrays, "choice": arrays["choice"] + 1}, facts)) == "digest"


def test_a_wrong_author_cannot_sign_for_another(content: bytes, key: Key) -> None:
    other = make_key()
    module = unpack(pack(unpack(content).manifest, unpack(content).weights, other))
    assert module.manifest.author == other.public != key.public


@pytest.mark.parametrize(
    "wrong",
    [{"interface": "1"}, {"examples": 1.5}, {"more": 1}, {"rounds": [{"loss": "x"}]}, {"digest": "zz"}, {"kind": None}],
)
def test_a_manifest_of_another_form_is_refused(content: bytes, wrong: dict[str, Any]) -> None:
    assert refusal(changed(content, **wrong)) == "manifest"


def test_bytes_that_are_no_module_are_refused(content: bytes) -> None:
    assert refusal(content, len(content) - 1) == "oversized"
    assert refusal(content[:-1]) == "malformed"
    assert refusal(b"") == "malformed"
    assert refusal(b"\x80\x04K\x01.") == "malformed"
    assert refusal(packed.pack({"a": np.array([np.nan], np.float32)}, packed.unpack(content)[1])) == "malformed"
    assert refusal(packed.pack({"a": np.zeros(1)}, packed.unpack(content)[1])) == "malformed"
    deep = np.frombuffer(b"[" * 100_000 + b"]" * 100_000, np.uint8)
    import safetensors.numpy

    assert refusal(safetensors.numpy.save({packed.FACTS: deep})) == "malformed"
    assert refusal(packed.pack({}, [])) == "manifest"


class TestKeys:
    """Keys in files."""

    def test_are_the_owners_alone(self, tmp_path: Path) -> None:
        made = make_key(tmp_path / "keys" / "one.pem")
        path = tmp_path / "keys" / "one.pem"
        assert path.stat().st_mode & 0o777 == 0o600
        assert load_key(path).public == made.public
        assert "private" not in repr(made)
        with pytest.raises(EdgewiseError, match="never replaced"):
            make_key(path)
        os.chmod(path, 0o644)
        with pytest.raises(EdgewiseError, match="must be 600"):
            load_key(path)

    def test_that_are_none_are_told(self, tmp_path: Path) -> None:
        path = tmp_path / "one.pem"
        with pytest.raises(EdgewiseError, match="No such file"):
            load_key(path)
        path.write_text(json.dumps({}))
        path.chmod(0o600)
        with pytest.raises(EdgewiseError, match="must be an Ed25519 key"):
            load_key(path)

    def test_verify_only_what_they_signed(self, key: Key) -> None:
        signature = key.sign(b"content")
        assert verify(key.public, signature, b"content")
        assert not verify(key.public, signature, b"other")
        assert not verify(make_key().public, signature, b"content")
        assert not verify("no key", signature, b"content")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays=st.dictionaries(
        st.text(min_size=1, max_size=8),
        npst.arrays(
            st.sampled_from([np.float32, np.int32, np.uint8, np.bool_]),
            npst.array_shapes(min_dims=0, max_dims=3, max_side=4),
            elements={"allow_nan": False, "allow_infinity": False},
        ),
        max_size=3,
    ),
    figures=st.lists(
        st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False, allow_infinity=False), max_size=2)
    ),
    place=st.integers(0, 10**6),
    flip=st.integers(1, 255),
)
def test_any_module_is_read_as_it_was_and_any_damage_is_found(
    key: Key, arrays: dict[str, np.ndarray], figures: list[dict[str, float]], place: int, flip: int
) -> None:
    manifest = replace(describe("perception", KIND, 7), rounds=tuple(figures))
    sent = pack(manifest, arrays, key)
    module = unpack(sent)
    assert set(module.weights) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(module.weights[name], array)
    damaged = bytearray(sent)
    damaged[place % len(sent)] ^= flip
    found = outcome(bytes(damaged))
    if isinstance(found, str):
        assert found in ("malformed", "manifest", "digest", "signature")
    else:
        assert found.manifest == module.manifest
        assert all((found.weights[name] == array).all() for name, array in arrays.items())


def outcome(content: bytes) -> Module | str:
    """The module, or the verdict."""
    try:
        return unpack(content)
    except Refused as refused:
        return refused.verdict


def test_figures_of_diverged_training_are_told(key: Key) -> None:
    manifest = replace(describe("perception", KIND, 7), rounds=({"loss": 1.0}, {"loss": float("nan")}))
    with pytest.raises(ConfigurationError, match="round 2, loss"):
        pack(manifest, {}, key)
