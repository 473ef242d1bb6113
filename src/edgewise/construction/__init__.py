"""Federated construction of agents: edge servers build modules under a contract, the cloud integrates and deploys them."""
