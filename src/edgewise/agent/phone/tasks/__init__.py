"""Tasks on the simulated phone, each with a goal that is read from the exact state, and an oracle that solves them."""
