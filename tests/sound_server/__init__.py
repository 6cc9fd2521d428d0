"""A server of the webhook_requests API written from the public pages alone, for measuring the kit.

It shares no code with the rooms of this project. ``choices`` holds what the pages leave open,
``world`` the records, ``server`` the API, and ``legal`` the variants that a correct server may
have.
"""
