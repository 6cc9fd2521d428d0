"""Gets the token that a run works with."""

from crmcom_kit.contract_tests.calls import build
from crmcom_kit.contract_tests.client import TargetDown
from crmcom_kit.contract_tests.exchanges import Call, Exchange
from crmcom_kit.contract_tests.kit import Kit, outcome


def log_in(kit: Kit) -> None:
    """Give ``kit`` a token, unless it was given one. Raises TargetDown where none is to be had."""
    if kit.token is not None:
        return
    exchange = ask_for_token(kit)
    token = exchange.data.get("token") if isinstance(exchange.data, dict) else None
    if not exchange.ok or not isinstance(token, str):
        msg = f"{kit.target.name} gives no token: {outcome(exchange)}"
        raise TargetDown(msg)
    kit.token = token


def ask_for_token(kit: Kit) -> Exchange:
    """Log in with whatever the target's login has, and return the exchange."""
    login = kit.target.login
    if login.username is None and login.api_key is not None:
        return kit.send(by_key(kit, login.api_key))
    given = {"username": login.username, "password": login.password}
    given |= {"organisation": login.organisation, "unit": login.unit}
    method = kit.method("token")
    return kit.send(build(method, {name: value for name, value in given.items() if value}))


def by_key(kit: Kit, api_key: str) -> Call:
    """Build a login by Web API key, sent as HTTP Basic authentication says."""
    import base64

    call = build(kit.method("web_api_key_token"), {})
    basic = base64.b64encode(f"{api_key}:".encode()).decode()
    return Call(
        call.method, call.verb, call.path, headers=(("Authorization", f"Basic {basic}"),), body=None
    )
