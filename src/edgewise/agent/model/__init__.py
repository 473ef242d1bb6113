"""Language models: what an agent asks of one, endpoints that answer, and what stands in for one in tests."""
