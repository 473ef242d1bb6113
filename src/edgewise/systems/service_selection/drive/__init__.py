"""Recorded requests for a policy server: tasks arrive as they did, and run at providers whose quality the server learns."""
