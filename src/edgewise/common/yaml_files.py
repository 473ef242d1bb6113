"""YAML read strictly, in this one place: what two readers of YAML could take for different things is refused.

Numbers, true, false and null are those of YAML 1.2's core schema. Plain text that YAML 1.1 would read as something else
(`no`, `010`, `1_000`, `1:30`) must be quoted or written out; keys that stand twice, anchors, tags and further documents are
refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Hashable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from edgewise.common.errors import EdgewiseError

WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)$|0x[0-9a-fA-F]+$")
POWER = re.compile(r"([-+]?[1-9][0-9]*)[eE]\+?([0-9]{1,2})$")
"""A whole number with an exponent, `1e3`: PyYAML alone would take it for text."""
FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
TRUTH = re.compile(r"(true|True|TRUE|false|False|FALSE)$")
NOTHING = re.compile(r"(~|null|Null|NULL|)$")
LARGEST_EXPONENT = 18
"""Above it a power of ten is kept as a floating-point number: no field counts that far."""
LONGEST_WHOLE = 20
"""Digits; a longer whole number becomes a floating-point number too."""
TWO_READINGS = (
    (re.compile(r"(yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$"), "write true or false, or put it in quotes"),
    (re.compile(r"[-+]?0[0-9_]+$|0[ob][0-9_]+$"), "octal or decimal? write it without the leading 0"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?$"), "write the number without underscores"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?$"), "write the number out, or put text in quotes"),
    (re.compile(r"[-+]?[0-9.]*[0-9](,[0-9]+)+(\.[0-9]+)?$"), "write a decimal point, and thousands without a comma"),
)
"""Plain text with the advice for it."""
HINTS = (
    ("cannot start any token", "put text that starts with this character in quotes"),
    ("mapping values are not allowed", "put text with ': ' in quotes, and indent all keys of a mapping alike"),
    ("could not find expected ':'", "write every entry as NAME: VALUE, with a space after the colon"),
    ("expected ',' or", "close the bracket, or put a comma between its entries"),
    ("expected <block end>", "indent all entries of a list or mapping alike"),
    ("found unexpected end of stream", "close the quotation mark or bracket"),
    ("found another document", "keep one document in a file; what follows the line --- is a second one"),
)
"""Parts of PyYAML's messages, and what to do."""


class YamlError(EdgewiseError):
    """YAML that cannot be used; the text is one line and names the source, the line and what to do."""


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """The values of a YAML file, in UTF-8 or, if its first bytes say so, UTF-16.

    Raises:
        YamlError: if the file cannot be read, is no YAML, or can be read in two ways.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise YamlError(f"{os.fspath(path)}: cannot be read: {error.strerror or error}") from None
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        advice = "convert it, for example with iconv -f LATIN1 -t UTF-8"
        raise YamlError(f"{os.fspath(path)}: is not YAML: line {line}: not text in UTF-8; {advice}") from None
    return parse_yaml(text, os.fspath(path))


def parse_yaml(text: str, source: str) -> Any:
    """The values of a YAML document.

    Args:
        text: the document.
        source: its name in errors.

    Raises:
        YamlError: if it is no YAML, or can be read in two ways.
    """
    try:
        return _Loader(text).get_single_data()
    except _Refused as error:
        raise YamlError(f"{source}: {_told(error)}") from None
    except yaml.MarkedYAMLError as error:
        raise YamlError(f"{source}: is not YAML: {_told(error)}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        name = "a NUL byte" if error.character == 0 else f"the control character {error.character!r}"
        raise YamlError(f"{source}: is not YAML: line {line} holds {name}: the file is damaged, or not text") from None
    except RecursionError:
        raise YamlError(f"{source}: is not YAML: brackets are nested too deep") from None


class _Refused(yaml.MarkedYAMLError):
    """YAML that the rules of this module refuse."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the rules of this module."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own table of the class)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            _refuse(f"{sign}{event.anchor}: anchors are not read; write the value out", event.start_mark)
        if (getattr(event, "tag", None) or "!") != "!":
            _refuse(
                f"{event.tag.replace('tag:yaml.org,2002:', '!!')}: tags are not read; leave it out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            for pattern, advice in TWO_READINGS:
                if pattern.match(node.value):
                    _refuse(f"{node.value}: can be read in two ways; {advice}", node.start_mark)
        if isinstance(node, yaml.SequenceNode) and node.flow_style and _mixed_commas(node):
            _refuse(
                "commas with and without a space: write decimal points, and a space after each comma", node.start_mark
            )
        return super().construct_object(node, deep=deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                _refuse("a key must be a single word", key_node.start_mark)
            key = self.construct_object(key_node)
            if key in lines:
                _refuse(
                    f"{key}: stands there twice, the first time in line {lines[key]}; keep one", key_node.start_mark
                )
            lines[key] = key_node.start_mark.line + 1
        values: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return values

    def construct_yaml_map(self, node: Any) -> Generator[dict[Any, Any], None, None]:
        values: dict[Hashable, Any] = {}
        yield values
        values.update(self.construct_mapping(node))

    def construct_number(self, node: Any) -> int | float:
        text = node.value
        power = POWER.match(text)
        if power and int(power[2]) <= LARGEST_EXPONENT:
            return int(power[1]) * 10 ** int(power[2])
        if WHOLE.match(text) and len(text) <= LONGEST_WHOLE:
            return int(text, 16 if text.startswith("0x") else 10)
        if text.startswith("0x"):
            _refuse(f"0x...: a number of {len(text)} digits is too large", node.start_mark)
        return float(text.replace(".", "") if text[-1].isalpha() else text)  # .inf, .nan


for _tag, _pattern, _starts in (
    ("number", WHOLE, "-+0123456789"),
    ("number", FRACTION, "-+.0123456789"),
    ("bool", TRUTH, "tTfF"),
    ("null", NOTHING, ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_starts))
_Loader.add_constructor("tag:yaml.org,2002:number", _Loader.construct_number)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)


def _mixed_commas(node: yaml.SequenceNode) -> bool:
    """Whether numbers in a line of a list are parted by commas with and without a space, as in [17,5, 22,5]."""
    pairs = [
        (one, other)
        for one, other in zip(node.value, node.value[1:], strict=False)
        if one.tag.endswith(":number") and other.tag.endswith(":number") and one.end_mark.line == other.start_mark.line
    ]
    return len({other.start_mark.column - one.end_mark.column == 1 for one, other in pairs}) == 2


def _refuse(problem: str, mark: yaml.Mark) -> NoReturn:
    raise _Refused(problem=problem, problem_mark=mark)


def _told(error: yaml.MarkedYAMLError) -> str:
    """A mistake in one line: where it is, what it is, what to do."""
    mark = error.problem_mark or error.context_mark
    problem = " ".join((error.problem or "cannot be understood").split())
    if mark is None:
        return problem
    place = f"line {mark.line + 1}, column {mark.column + 1}"
    if "'\\t'" in problem:
        return f"{place}: a tab; YAML is indented with spaces: replace it by spaces"
    hint = next((advice for part, advice in HINTS if part in problem), None)
    begun = error.context_mark
    since = f" (begun in line {begun.line + 1})" if begun is not None and begun.line != mark.line else ""
    return f"{place}: {problem}{since}" + (f"; {hint}" if hint else "")
