"""Live traffic for a policy server: SUMO moves the vehicles, the system's equations tell what orders bring."""
