"""Environments: pure reset and step, with thin adapters to the common interfaces.

Importing this package makes the systems known to Gymnasium; their modules are loaded when one is made.
"""

from edgewise.environments.adapters.registration import register_gymnasium

GYMNASIUM_IDS = {
    "agent-migration": "edgewise/AgentMigration-v0",
    "service-selection": "edgewise/ServiceSelection-v0",
    "dynamic-contract": "edgewise/DynamicContract-v0",
    "cartpole": "edgewise/CartPole-v1",
    "acrobot": "edgewise/Acrobot-v1",
    "pendulum": "edgewise/Pendulum-v1",
}
"""Name in the registry to Gymnasium id."""

for _name, _gymnasium_id in GYMNASIUM_IDS.items():
    register_gymnasium(_name, _gymnasium_id)
