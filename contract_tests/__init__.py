"""The contract kit: checks a mock or a real instance statement by statement. Empty for now."""
