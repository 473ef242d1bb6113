"""What asking a model has cost: calls, tokens, money, time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from edgewise.agent.model.chat import Answer, Request, Traits
from edgewise.agent.spent import Spent

LETTERS = 3
"""Characters of a token, where an endpoint does not tell its tokens: fewer than English has, so that a budget is kept."""
PATCH = 28 * 28
"""Pixels of a picture that make a token, where an endpoint does not tell its tokens."""


@dataclass(frozen=True)
class Usage:
    """What was used so far.

    Attributes:
        calls: answers that came.
        failures: requests that ended with an error.
        asked_again: answers that had to be asked for again, because they were not valid.
        invalid: questions to which no valid answer came.
        read, written: tokens of questions and answers.
        guessed: calls whose tokens the endpoint did not tell, so that they are guessed.
        money: by the prices of the model's traits; 0 without prices.
        seconds: of waiting for answers.
    """

    calls: int = 0
    failures: int = 0
    asked_again: int = 0
    invalid: int = 0
    read: int = 0
    written: int = 0
    guessed: int = 0
    money: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def spent(self) -> Spent:
        """What counts for a budget: requests that ended with an error are calls too."""
        return Spent(self.calls + self.failures, self.read + self.written, self.money)


class Meter:
    """Adds up what is used.

    Attributes:
        usage: so far.
    """

    def __init__(self) -> None:
        self.usage = Usage()

    def answered(self, request: Request, answer: Answer, traits: Traits, seconds: float) -> None:
        """Count an answer."""
        told = answer.read is not None and answer.written is not None
        read = tokens_of(request, traits) if answer.read is None else answer.read
        written = len(answer.text) // LETTERS + 1 if answer.written is None else answer.written
        self.usage = replace(
            self.usage,
            calls=self.usage.calls + 1,
            read=self.usage.read + read,
            written=self.usage.written + written,
            guessed=self.usage.guessed + (not told),
            money=self.usage.money + (read * traits.price_read + written * traits.price_written) / 1e6,
            seconds=self.usage.seconds + seconds,
        )

    def failed(self, seconds: float) -> None:
        """Count a request that ended with an error."""
        self.usage = replace(self.usage, failures=self.usage.failures + 1, seconds=self.usage.seconds + seconds)

    def again(self) -> None:
        """Count an answer that has to be asked for again."""
        self.usage = replace(self.usage, asked_again=self.usage.asked_again + 1)

    def invalid(self) -> None:
        """Count a question without a valid answer."""
        self.usage = replace(self.usage, invalid=self.usage.invalid + 1)


def tokens_of(request: Request, traits: Traits) -> int:
    """Tokens of a question, guessed from its letters and pixels."""
    letters = sum(len(turn.text) for turn in request.turns)
    sizes = [picture.size for turn in request.turns for picture in turn.pictures if traits.pictures]
    return letters // LETTERS + sum(wide * high // PATCH for wide, high in sizes) + 1
