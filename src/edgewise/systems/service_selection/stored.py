"""A session at work in bytes and back: what was learned as arrays, all else as plain values."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import jax

from edgewise.common.packed import flat, nested, pack, unpack
from edgewise.common.plain import from_plain, to_plain
from edgewise.numerics.host_arrays import put
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.curves import Curves
from edgewise.systems.service_selection.experience import Experience
from edgewise.systems.service_selection.operated import Finished, Operated, Provider, Running


def dump(state: Operated) -> bytes:
    """The content of a state."""
    facts = {
        "config": to_plain(state.config),
        "providers": [asdict(each) for each in state.providers],
        "running": {task: asdict(each) for task, each in state.running.items()},
        "finished": [asdict(each) for each in state.finished],
        "waiting": list(state.waiting),
        "time_s": state.time_s,
        "arrived_s": state.arrived_s,
        "count": state.count,
    }
    return pack(flat(jax.device_get(_fields(state.experience))), facts)


def load(content: bytes) -> Operated:
    """The state of which `dump` has made the content."""
    arrays, facts = unpack(content)
    tree = nested({name: put(array) for name, array in arrays.items()})
    return Operated(
        config=from_plain(ServiceSelectionConfig, facts["config"]),
        providers=tuple(Provider(**each) for each in facts["providers"]),
        experience=Experience(curves=Curves(**tree.pop("curves")), **tree),
        running={task: Running(**each) for task, each in facts["running"].items()},
        finished=tuple(Finished(**each) for each in facts["finished"]),
        waiting=tuple(facts["waiting"]),
        time_s=facts["time_s"],
        arrived_s=facts["arrived_s"],
        count=facts["count"],
    )


def _fields(part: Any) -> Any:
    return {each.name: _fields(getattr(part, each.name)) for each in fields(part)} if _is_record(part) else part


def _is_record(part: Any) -> bool:
    return isinstance(part, Experience | Curves)
