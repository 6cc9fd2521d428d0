"""The deliveries of a world: resends, triggered webhooks and replays."""
