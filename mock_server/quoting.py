"""How messages show a value."""

_MAX_LENGTH = 80


def quoted(value: object, *, secret: bool = False) -> str:
    """Return ``value`` as a message shows it: short, printable, and never a secret."""
    if secret:
        return "a text that is not shown"
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _MAX_LENGTH:
        text = f"{text[:_MAX_LENGTH]}… ({len(text)} characters)"
    # Escapes what no answer, header or log can carry: control characters, unpaired surrogates.
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{safe}"' if isinstance(value, str) else safe
