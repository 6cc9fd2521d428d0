"""Names that 0.5 removed, and what to use instead; the changelog has the same table."""

#: By the name as users write it: an option of a command, a path of the control API, or a name of
#: the Python API.
INSTEAD = {
    # commands
    "proxy": "record with mitmproxy, then use check --from-har (docs/how-to/recorded-traffic.md)",
    # options of serve and fixtures
    # options of check, calibrate and diff
    # the Python API of the mock
    # paths of the control API
}


def remedy(name: str) -> str:
    """Return the end of an error about an unknown name: what replaces it, if 0.5 removed it."""
    return f"; 0.5 removed it: {INSTEAD[name]}" if name in INSTEAD else ""
