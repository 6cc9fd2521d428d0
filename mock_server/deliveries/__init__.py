"""Deliveries: attempts, senders, the queue and the built-in receiver. Knows no world."""
