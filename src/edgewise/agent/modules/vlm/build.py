"""The six modules on one language model."""

from __future__ import annotations

from edgewise.agent.agents import Setting
from edgewise.agent.model.chat import ChatModel
from edgewise.agent.model.presets import choose_model
from edgewise.agent.modules.interfaces import Modules, Perceives
from edgewise.agent.modules.vlm.action import VlmAction
from edgewise.agent.modules.vlm.decision import VlmDecision
from edgewise.agent.modules.vlm.desk import Desk
from edgewise.agent.modules.vlm.memory import VlmMemory
from edgewise.agent.modules.vlm.perception import VlmPerception
from edgewise.agent.modules.vlm.planning import VlmPlanning
from edgewise.agent.modules.vlm.reflection import VlmReflection

PLACES = ("perception", "memory", "planning", "decision", "action", "reflection")


def build(model: ChatModel, base: Perceives | None = None) -> Modules:
    """Six modules that ask a model, and share its latest pictures and the plan. Each tells what it has spent.

    Args:
        model: that is asked.
        base: what perceives first. If None, the tree of elements, and where there is none the model.
    """
    desk = Desk(model)
    return Modules(
        perception=VlmPerception(desk, base),
        memory=VlmMemory(desk),
        planning=VlmPlanning(desk),
        decision=VlmDecision(desk),
        action=VlmAction(desk),
        reflection=VlmReflection(desk),
        names=dict.fromkeys(PLACES, f"vlm:{model.name}"),
    )


def make(setting: Setting) -> Modules:
    """The modules that options and the environment name; options as of `choose_model`."""
    return build(choose_model(setting.options))
