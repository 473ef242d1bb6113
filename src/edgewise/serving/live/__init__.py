"""The live view of the server: what its sessions look like, and how its models do."""
