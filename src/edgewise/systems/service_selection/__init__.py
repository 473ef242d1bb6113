"""Service selection: which provider serves each arriving task of generated content (D2SAC paper)."""
