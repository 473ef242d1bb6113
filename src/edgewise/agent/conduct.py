"""How an agent conducts itself: what it may spend, how long it waits, and the names of all ends of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewise.agent.spent import Spent
from edgewise.common.errors import EdgewiseError, check_integer, check_range

ENDS = {
    "success": "the agent says that the task is done",
    "infeasible": "the agent says that the task cannot be done",
    "answer": "the agent has answered",
    "question": "the agent asks, and nobody is there to answer",
    "refused": "something that would have been changed was not allowed",
    "unsure": "the decision module was not sure enough to change something",
    "stuck": "no action is left that was not tried here, or too many in a row went wrong",
    "invalid": "the modules gave answers that cannot be used, or none",
    "steps": "the budget of steps is used up",
    "calls": "the budget of calls is used up",
    "tokens": "the budget of tokens is used up",
    "money": "the budget of money is used up",
    "time": "the budget of time is used up",
    "stopped": "the user has stopped it",
    "closed": "the page has ended the task by itself, well or not",
}
"""Ends of a run; a run that a fault of the phone ends has the fault's name."""


@dataclass(frozen=True)
class Limits:
    """Budgets of a run; each ends it with its name.

    Attributes:
        steps: actions and looks without one.
        calls: of modules, or of the language model behind them.
        tokens: sent and received.
        money: in the currency of the model's price list.
        seconds: from the first look.
    """

    steps: int = 40
    calls: int = 1000
    tokens: int = 2_000_000
    money: float = 5.0
    seconds: float = 1800.0

    def __post_init__(self) -> None:
        for name in ("steps", "calls", "tokens"):
            check_integer(name, getattr(self, name), 1)
        check_range("money", self.money, 0.0)
        check_range("seconds", self.seconds, 0.0, open_low=True)

    def broken(self, steps: int, spent: Spent, seconds: float) -> str:
        """Name of the budget that is used up; empty if none is."""
        used = (
            ("steps", steps, self.steps),
            ("calls", spent.calls, self.calls),
            ("tokens", spent.tokens, self.tokens),
            ("money", spent.money, self.money),
            ("time", seconds, self.seconds),
        )
        return next((name for name, now, most in used if now > most or (name != "money" and now == most)), "")


@dataclass(frozen=True)
class Conduct:
    """How an agent conducts itself.

    Attributes:
        limits: budgets.
        tree: whether the tree of elements may be used.
        verify: whether it looks again before it says that the task is done.
        sure: least confidence of a decision to turn a switch, or to do what cannot be undone.
        still_s: longest time for a page to come to rest, s.
        late_s: time to wait for another picture where an action has shown nothing, s.
        lost_s: time to wait for a phone whose connection is lost, s.
        wait_s: first of the waits between two tries, each twice as long as the one before, s.
    """

    limits: Limits = field(default_factory=Limits)
    tree: bool = True
    verify: bool = True
    sure: float = 0.9
    still_s: float = 5.0
    late_s: float = 1.5
    lost_s: float = 20.0
    wait_s: float = 0.25

    def __post_init__(self) -> None:
        for name in ("still_s", "late_s", "lost_s", "wait_s"):
            check_range(name, getattr(self, name), 0.0)


@dataclass(frozen=True)
class End:
    """How a run ended.

    Attributes:
        reason: among `ENDS`, or the name of a fault of the phone.
        told: more in words; an answer, a question, an error.
        steps: that were made.
        spent: in all.
        seconds: from the first look.
    """

    reason: str
    told: str = ""
    steps: int = 0
    spent: Spent = field(default_factory=Spent)
    seconds: float = 0.0


class Over(EdgewiseError):
    """A run is over; `run_agent` turns it into an `End`."""

    def __init__(self, reason: str, told: str = "") -> None:
        super().__init__(f"{reason}: {told}" if told else reason)
        self.reason, self.told = reason, told
