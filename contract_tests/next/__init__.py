"""The kit to come: one belief, one oracle, one table of request templates, one queue."""
