"""Pages and folders that show runs and experiments."""
