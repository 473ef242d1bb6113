"""Perception: from the tree of elements, from the picture, and from both."""
