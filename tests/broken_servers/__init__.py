"""Servers that are wrong on purpose, and odd ones that are right: what the kit is measured by.

Each wraps the mock's WSGI application. A broken server breaks one statement; an oddity breaks
none.
"""
