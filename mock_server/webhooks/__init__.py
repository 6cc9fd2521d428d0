"""What a world sends: resends, triggered webhooks and replays, from the claim of a record to its settled state."""
