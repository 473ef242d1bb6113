"""Control tasks whose best returns are known: to check a learner before it is trusted with a system of the network edge."""
