"""The six modules of an agent: what they take and give, and their back ends."""
