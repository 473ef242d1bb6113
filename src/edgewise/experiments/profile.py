"""How much an experiment may spend."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.common.errors import check_integer


@dataclass(frozen=True)
class Profile:
    """How much an experiment may spend.

    Attributes:
        name: the name, as given to the command line.
        steps: environment steps per seed.
        seeds: learners of each kind, trained in one program.
        evaluations: number of evaluations of each learner while it learns.
        episodes: test episodes.
        paper_steps: environment steps per seed that verdicts on the paper's claims need; those after fewer say so.
    """

    name: str
    steps: int
    seeds: int
    evaluations: int
    episodes: int
    paper_steps: int = 0

    def __post_init__(self) -> None:
        for field_name in ("steps", "seeds", "evaluations", "episodes"):
            check_integer(field_name, getattr(self, field_name), 1)
        check_integer("paper_steps", self.paper_steps, 0)
