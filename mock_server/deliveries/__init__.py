"""Deliveries: messages, attempts, senders, the queue, verdicts on codes. Knows no world."""
