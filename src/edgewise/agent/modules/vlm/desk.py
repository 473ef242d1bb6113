"""What the modules of one agent share: the model, the latest pictures, the plan, the space of the model's points."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from edgewise.agent.device.errors import TruncatedImage
from edgewise.agent.model.chat import ChatModel, ModelSpace, Picture
from edgewise.agent.model.images import point_in, prepared
from edgewise.agent.model.ladder import Asker, Question, T
from edgewise.agent.model.probe import find_space
from edgewise.agent.model.usage import Meter, Usage
from edgewise.agent.modules.interfaces import Plan
from edgewise.agent.modules.vlm.prompts import COMMON
from edgewise.agent.perception.plain import digest_of
from edgewise.agent.screen import Item, Screen
from edgewise.agent.spent import Spent
from edgewise.common.errors import ConfigurationError

PICTURES = 3
"""Latest pictures that are kept: before an action, after it, and one to spare."""


class Desk:
    """What the modules of one agent share.

    Args:
        model: that is asked.

    Attributes:
        plans: latest plan by instruction.
    """

    def __init__(self, model: ChatModel) -> None:
        self.asker, self.plans = Asker(model), dict[str, Plan]()
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._space, self._probed = model.traits.space, model.traits.space is not None

    def saw(self, png: bytes) -> str:
        """Keep a picture of the display; its digest, by which screens name it."""
        digest = digest_of(png)
        self._pictures[digest] = png
        self._pictures.move_to_end(digest)
        while len(self._pictures) > PICTURES:
            self._pictures.popitem(last=False)
        return digest

    def shown(self, screen: Screen, marked: Sequence[Item] = ()) -> tuple[Picture, ...]:
        """The picture of a screen as it is sent; nothing if it is not there any more, or the model sees no pictures.

        Args:
            screen: of the display.
            marked: items that get their number.
        """
        png = self._pictures.get(screen.picture)
        if png is None or not self.asker.model.traits.pictures:
            return ()
        try:
            return (prepared(png, self.asker.model.traits, marked),)
        except TruncatedImage:
            return ()

    def space(self, asker: Asker) -> ModelSpace | None:
        """The space of the model's points, found by a probe where it is not declared. If None, they are of no use.

        Args:
            asker: that pays for the probe.
        """
        if not self._probed:
            self._space, self._probed = find_space(asker), True
        return self._space

    def pixel(self, point: tuple[float, float], picture: Picture, asker: Asker) -> tuple[int, int] | None:
        """The display's pixel at a point of the model. If None, it is none.

        Args:
            point: in the model's space.
            picture: that it is on.
            asker: that pays for the probe, where the space is not known.
        """
        space = self.space(asker)
        if space is None:
            return None
        try:
            return point_in(*point, space, picture)
        except ConfigurationError:
            return None


class Asking:
    """A module that asks the model, and counts what it has used.

    Args:
        desk: that the agent's modules share.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk, self.meter = desk, Meter()
        self.asker = desk.asker.counted_by(self.meter)

    def spent(self) -> Spent:
        """What counts for a budget, since the module was made."""
        return self.usage().spent

    def usage(self) -> Usage:
        """Calls, tokens, questions without a valid answer, money and time since the module was made."""
        return self.meter.usage

    def ask(self, question: Question[T]) -> T:
        """A valid answer to a question, before which the model is told what an agent's parts have in common.

        Raises:
            NotValid: if none came in all attempts.
        """
        return self.asker.ask(replace(question, system=f"{COMMON}\n\n{question.system}"))
