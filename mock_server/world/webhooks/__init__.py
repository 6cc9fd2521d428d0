"""What a world sends: resends, triggered webhooks and replays, until the record is settled."""
