"""Made-up credentials: no login ever returned them, so reports may show them."""

NO_TOKEN = "crmcom-kit-no-token"
#: In the form of a real one.
WRONG_TOKEN = "5EC0DE0F5EC0DE0F5EC0DE0F5EC0DE0F"
#: What is wrong at a glance; generated calls send them.
ODD_TOKENS = ("0" * 32, "null", "a.b.c")
#: Made from nothing: one that is made from the right password would tell it.
NO_PASSWORD = "crmcom-kit-no-password"
NO_KEY = "crmcom-kit-no-key"

PUBLIC = frozenset((NO_TOKEN, WRONG_TOKEN, *ODD_TOKENS, NO_PASSWORD, NO_KEY))

#: The id and the number of a webhook request that exists nowhere.
NOWHERE = {"id": "0D15EA5E0D15EA5E0D15EA5E0D15EA5E", "number": "987654321098"}
