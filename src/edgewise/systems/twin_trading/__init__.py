"""Twin trading: prices and demands of bandwidth for the migration of vehicular twins (MALPPO paper)."""
