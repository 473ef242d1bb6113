"""The one style of figures, and the panels that several share."""
