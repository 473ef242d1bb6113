"""Migration of vehicular AI agents among road-side units (the CGDM paper)."""
