"""Training loops, evaluation, checkpoints and run folders."""
