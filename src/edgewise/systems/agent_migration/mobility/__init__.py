"""Where the vehicles are: closed loops, or the replay of recorded trajectories."""
