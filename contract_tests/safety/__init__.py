"""Safety: find the webhook requests of a target, and protect those out of scope."""
