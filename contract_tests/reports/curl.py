"""Write a call as a curl command that can be pasted into a shell."""

import re
import shlex

from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.reports.redaction import API_KEY, ReportRedactor
from crmcom_kit.contract_tests.targets import Target

BASE_URL = "$CRMCOM_BASE_URL"
_VARIABLE = re.compile(r"(\$CRMCOM_[A-Z_]+)")


def curl(call: Call, target: Target, redactor: ReportRedactor) -> str:
    """Return the command; secrets are variables, as is a base URL that has one or is a mock's."""
    redacted = redactor.text(target.base_url)
    base = BASE_URL if target.own or redacted != target.base_url else redacted
    url = f"{base}/{redactor.text(call.path)}"
    url += f"?{redactor.query(call.query)}" if call.query else ""
    words = ["curl", "-sS"]
    if any(sign in url for sign in "[]{}"):
        words.append("--globoff")
    if call.verb != "GET":
        words += ["-X", call.verb]
    for name, value in call.headers:
        secret = name == "Authorization"
        redacted = redactor.authorization(value) if secret else redactor.text(value)
        if secret and API_KEY in redacted:
            words += ["-u", f'"{API_KEY}:"']
        else:
            words += ["-H", shell(f"{name}: {redacted}")]
    if call.body is not None:
        words += ["--data-binary", shell(redactor.content(call.body))]
    return " ".join([*words, shell(url)])


def shell(text: str) -> str:
    """Quote ``text`` for a shell, which still puts in the values of the kit's variables."""
    parts = _VARIABLE.split(text)
    return "".join(
        f'"{part}"' if _VARIABLE.fullmatch(part) else shlex.quote(part) for part in parts if part
    )
