"""The webhook requests of a target: found, and kept from harm."""
