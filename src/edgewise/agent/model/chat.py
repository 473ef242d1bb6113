"""What an agent asks of a language model, whatever answers: turns with pictures, and the form of the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from edgewise.agent.device.coordinates import Frame
from edgewise.common.errors import ConfigurationError, check_choice, check_integer, check_range

Rung = Literal["tools", "schema", "object", "text"]
"""How an answer of a given form is asked for: a tool that must be called, a strict JSON schema, any JSON object, plain text."""
RUNGS: tuple[Rung, ...] = get_args(Rung)
ModelSpace = Literal["image", "relative", "unit"]
"""What a model's points are: pixels of the image that was sent, 0 to 1000, or 0 to 1."""
MODEL_SPACES: tuple[ModelSpace, ...] = get_args(ModelSpace)
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Picture:
    """A picture as it is sent.

    Attributes:
        data: of the file.
        media: its type, such as `image/jpeg`.
        size: width and height, pixels, as it is sent.
        device: width and height of the display that it shows, pixels.
    """

    data: bytes = field(repr=False)
    media: str
    size: tuple[int, int]
    device: tuple[int, int]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def frame(self) -> Frame:
        """What turns points on it into those of the display."""
        return Frame(self.device, self.size)


@dataclass(frozen=True)
class Turn:
    """What one side says.

    Attributes:
        role: `system`, `user` or `assistant`.
        text: that is said.
        pictures: shown with it, before the text.
    """

    role: str
    text: str
    pictures: tuple[Picture, ...] = ()

    def __post_init__(self) -> None:
        check_choice("role", self.role, ROLES)


@dataclass(frozen=True)
class Form:
    """The form of an answer.

    Attributes:
        name: of what is asked, such as `decide`.
        schema: JSON schema of the answer.
        rung: how it is asked for.
    """

    name: str
    schema: Mapping[str, Any]
    rung: Rung = "text"


@dataclass(frozen=True)
class Request:
    """A question to a model.

    Attributes:
        turns: so far.
        form: that the answer shall have. If None, any.
    """

    turns: tuple[Turn, ...]
    form: Form | None = None


@dataclass(frozen=True)
class Answer:
    """What a model says.

    Attributes:
        text: or the arguments of the tool that it calls, as JSON.
        read: tokens of the question. If None, the endpoint does not tell.
        written: tokens of the answer. If None, the endpoint does not tell.
        cut: whether it was cut at the limit of its length.
    """

    text: str
    read: int | None = None
    written: int | None = None
    cut: bool = False


@dataclass(frozen=True)
class Traits:
    """What has to be known of a model.

    Attributes:
        rungs: how answers are asked for, the best first.
        space: of its points. If None, it is found by a probe when it is needed.
        pictures: whether it sees any.
        longest: side of a picture that is sent, at most, pixels.
        most_pixels: of a picture that is sent.
        multiple: that the sides of a picture that is sent are of, so that the endpoint does not resize it again, pixels.
        media: of pictures that are sent, `image/jpeg` or `image/png`.
        most_bytes: of the file of a picture.
        written: tokens of an answer, at most.
        price_read, price_written: of a million tokens of questions and answers, in the currency of the budget.
        extra: further fields of each request; a field whose value is None is left out.
    """

    rungs: tuple[Rung, ...] = RUNGS
    space: ModelSpace | None = None
    pictures: bool = True
    longest: int = 1344
    most_pixels: int = 1_003_520
    multiple: int = 28
    media: str = "image/jpeg"
    most_bytes: int = 7_000_000
    written: int = 1024
    price_read: float = 0.0
    price_written: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.rungs:
            raise ConfigurationError("rungs", self.rungs, "at least one of " + ", ".join(RUNGS))
        for rung in self.rungs:
            check_choice("rungs", rung, RUNGS)
        if self.space is not None:
            check_choice("space", self.space, MODEL_SPACES)
        check_choice("media", self.media, ("image/jpeg", "image/png"))
        check_integer("multiple", self.multiple, 1, 512)
        check_integer("longest", self.longest, 2 * self.multiple)
        check_integer("most_pixels", self.most_pixels, 4 * self.multiple**2)
        check_integer("most_bytes", self.most_bytes, 10_000)
        check_integer("written", self.written, 1)
        check_range("price_read", self.price_read, 0)
        check_range("price_written", self.price_written, 0)


@runtime_checkable
class ChatModel(Protocol):
    """A language model."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    @property
    def traits(self) -> Traits:
        """What has to be known of it."""
        ...

    def complete(self, request: Request, /) -> Answer:
        """Its answer; raises `edgewise.common.chat.ModelError` for what goes wrong with it."""
        ...
