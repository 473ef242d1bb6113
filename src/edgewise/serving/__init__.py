"""A policy server: decisions over HTTP in a system's own words, kept in a database."""
