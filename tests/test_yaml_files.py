"""YAML is read strictly: every mistake is one line that names its place, and nothing is read in one way of two."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import from_plain
from edgewise.common.yaml_files import YamlError, parse_yaml, read_yaml
from edgewise.environments.host.configuration import HostConfig
from edgewise.systems.dynamic_contract.files import Instance, load_instance
from edgewise.systems.service_selection.files import load_providers
from edgewise.systems.twin_trading.files import load_market

PLAIN = """
a: 1e3
b: [2.5e-3, .5, -7, 0x1F, 1e99]
c: {d: true, e: ~, f: "no", g: 0.1.0, h: 2024-01-01}
i: [17,22]
j:
"""


def test_values_are_those_of_yaml_1_2() -> None:
    values = parse_yaml(PLAIN, "x")
    assert values == {
        "a": 1000,
        "b": [0.0025, 0.5, -7, 31, 1e99],
        "c": {"d": True, "e": None, "f": "no", "g": "0.1.0", "h": "2024-01-01"},
        "i": [17, 22],
        "j": None,
    }
    assert isinstance(values["a"], int)
    assert parse_yaml("9" * 5000, "x") == math.inf
    low, nothing = parse_yaml("[-.inf, .nan]", "x")
    assert low == -math.inf
    assert math.isnan(nothing)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: a: stands there twice, the first time in line 1"),
        ("a: {b: 1, b: 2}", "line 1, column 11: b: stands there twice"),
        ("a: 1\n\tb: 2", "line 2, column 1: a tab"),
        ("a: [1, 2\nb: 3", "line 2, column 2: expected ',' or ']', but got ':' (begun in line 1); close the bracket"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here; put text"),
        ("a: 'x", "close the quotation mark"),
        ("a: 1\n---\nb: 2", "line 2, column 1: but found another document"),
        ("a: no", "line 1, column 4: no: can be read in two ways; write true or false"),
        ("on: 1", "line 1, column 1: on: can be read in two ways"),
        ("a: 010", "010: can be read in two ways"),
        ("a: 0o17", "0o17: can be read in two ways"),
        ("a: 1_000", "1_000: can be read in two ways; write the number without underscores"),
        ("a: 1:30", "1:30: can be read in two ways"),
        ("a: 2,048", "2,048: can be read in two ways"),
        ("a: [17,5, 22,5]", "commas with and without a space"),
        ("a: &x 1\nb: *x", "line 1, column 4: &x: anchors are not read"),
        ("[1, 2]: 3", "line 1, column 1: a key must be a single word"),
        ("a: !!python/object:os.system x", "line 1, column 4: !!python/object:os.system: tags are not read"),
        ("a: !!int '010'", "line 1, column 4: !!int: tags are not read"),
        ("a: 0x" + "f" * 5000, "a number of 5002 digits is too large"),
        ("a: 1\nb: \x00", "line 2 holds a NUL byte"),
        ("[" * 3000, "nested too deep"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, said: str) -> None:
    with pytest.raises(YamlError) as caught:
        parse_yaml(text, "file.yaml")
    assert str(caught.value).startswith("file.yaml: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_encodings(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_bytes("a: 'ü'".encode(encoding))
        assert read_yaml(file) == {"a": "ü"}
    file.write_bytes("a: 1\nb: 'ü'".encode("latin-1"))
    with pytest.raises(YamlError, match=r"x\.yaml: is not YAML: line 2: not text in UTF-8; convert it"):
        read_yaml(file)
    with pytest.raises(YamlError, match=r"none\.yaml: cannot be read"):
        read_yaml(tmp_path / "none.yaml")


@pytest.mark.parametrize("reader", [load_instance, load_market, load_providers])
def test_every_file_of_a_system_is_read_so(reader, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("cost: 1\ncost: 2\n")
    with pytest.raises(YamlError, match=r"mine\.yaml: line 2, column 1: cost: stands there twice"):
        reader(file)


@pytest.mark.parametrize(("reader", "lacking"), [(load_instance, "servers"), (load_market, "satisfaction")])
def test_unknown_and_missing_keys_are_named_with_the_file(reader, lacking: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("colour: 1\nsize: 2\n")
    with pytest.raises(
        ValueError, match=rf"mine\.yaml: instance keys = 'colour, size': must be left out; .*{lacking}.*missing"
    ):
        reader(file)
    for text in ("", "7", "[1, 2]"):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"mine\.yaml: instance = .*must be a mapping with the keys"):
            reader(file)


def test_keywords_of_environments_are_read_so() -> None:
    assert HostConfig(arguments=("x=1e3", "y=[1, 2]")).keywords(False) == {"x": 1000, "y": [1, 2]}
    with pytest.raises(ValueError, match=r"arguments = 'x=on': must be .*two ways"):
        HostConfig(arguments=("x=on",))


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^servers = None: must be given$"):
        from_plain(Instance, {"alpha": 1.0})
