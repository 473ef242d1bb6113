"""Learning algorithms: configuration, losses and update, one file each."""
