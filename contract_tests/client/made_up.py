"""Made-up credentials, which reports may show, and names that no webhook request has."""

import hashlib

NO_TOKEN = "crmcom-kit-no-token"
#: It has the form of a real one.
WRONG_TOKEN = "5EC0DE0F5EC0DE0F5EC0DE0F5EC0DE0F"
#: Not derived from the right password, which it would reveal.
NO_PASSWORD = "crmcom-kit-no-password"
NO_KEY = "crmcom-kit-no-key"
#: A user and an organisation that no server has.
NO_USER, NO_ORGANISATION = "crmcom-kit-nobody", "crmcom-kit-nowhere"

PUBLIC = frozenset((NO_TOKEN, WRONG_TOKEN, NO_PASSWORD, NO_KEY, NO_USER, NO_ORGANISATION))


def nowhere(seed: int) -> dict[str, str]:
    """Return an id of 32 digits and a number of 20 digits that no webhook request has.

    They are drawn from ``seed``, and so long that they name nothing however a server reads them.
    The id begins with a letter, since a server that compares numbers may read digits before one.
    """
    digest = hashlib.shake_256(f"nowhere {seed}".encode()).digest(32)
    letter = "ABCDEF"[digest[0] % 6]
    number = 10**19 + int.from_bytes(digest[16:]) % (9 * 10**19)
    return {"id": f"{letter}{digest[:16].hex().upper()[1:]}", "number": str(number)}
