"""Configuration of an environment that another library makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from edgewise.common.errors import ConfigurationError, check_choice, check_integer
from edgewise.common.yaml_files import YamlError, parse_yaml

Vectorisation = Literal["sync", "async", "vector_entry_point"]


@dataclass(frozen=True)
class HostConfig:
    """How copies of an environment are made, and how they are seen.

    Attributes:
        arguments: keyword arguments of the environment, each as NAME=VALUE with the value in YAML.
        evaluation_arguments: further ones for evaluations; they replace those above.
        wrappers: Gymnasium wrappers put around every copy, innermost first, each as MODULE:CLASS.
        vectorise: copies in turn, each in a process of its own, or by the environment's own vector class. Of no effect on
            EnvPool.
        shrink: an image is replaced by the means of its squares of so many pixels a side.
        longest_evaluation: steps after which an episode of an evaluation is cut.
    """

    arguments: tuple[str, ...] = ()
    evaluation_arguments: tuple[str, ...] = ()
    wrappers: tuple[str, ...] = ()
    vectorise: Vectorisation = "sync"
    shrink: int = 1
    longest_evaluation: int = 10_000

    def __post_init__(self) -> None:
        parse("arguments", self.arguments)
        parse("evaluation_arguments", self.evaluation_arguments)
        for wrapper in self.wrappers:
            module, _, name = wrapper.partition(":")
            if not (module and name):
                raise ConfigurationError("wrappers", wrapper, "written as MODULE:CLASS")
        check_choice("vectorise", self.vectorise, get_args(Vectorisation))
        check_integer("shrink", self.shrink, 1)
        check_integer("longest_evaluation", self.longest_evaluation, 1)

    def keywords(self, evaluation: bool) -> dict[str, Any]:
        """Keyword arguments of the environment."""
        words = parse("arguments", self.arguments)
        return words | parse("evaluation_arguments", self.evaluation_arguments) if evaluation else words


def parse(field: str, words: tuple[str, ...]) -> dict[str, Any]:
    """Values by name, from NAME=VALUE.

    Raises:
        ConfigurationError: naming the field, for a word of another form.
    """
    values = {}
    for word in words:
        name, sign, value = word.partition("=")
        try:
            values[name] = parse_yaml(value, name)
        except YamlError as error:
            raise ConfigurationError(field, word, f"written as NAME=VALUE with a value in YAML ({error})") from None
        if not (name.isidentifier() and sign):
            raise ConfigurationError(field, word, "written as NAME=VALUE with a value in YAML")
    return values
