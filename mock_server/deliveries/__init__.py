"""Deliveries: messages, attempts, senders, the queue, the built-in receiver. Knows no world."""
