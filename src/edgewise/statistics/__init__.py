"""Statistics of few runs and many episodes: one method in one place."""
