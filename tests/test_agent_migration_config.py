"""Values of the wrong shape or kind are refused by name."""

from __future__ import annotations

import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import from_plain
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trust_weights", [0.5, 0.5]),
        ("trust_weights", [0.25] * 4),
        ("origin_m", [0.0]),
        ("speed_range_m_s", [20.0, 10.0]),
        ("attack_frequency", [0.1, 0.2]),
        ("slot_seconds", "soon"),
        ("observe_reputation", "perhaps"),
    ],
)
def test_wrong_shapes_and_kinds(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{field}"):
        from_plain(AgentMigrationConfig, {field: value})
