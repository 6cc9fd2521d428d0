"""Log in, and log in again when the token has ended."""

from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.campaign.connection import Connection
from crmcom_kit.contract_tests.campaign.patience import Patience, Wording
from crmcom_kit.contract_tests.client.errors import ResponseTooLong, TargetDown, Unreachable
from crmcom_kit.contract_tests.client.exchanges import OUTAGES, Call, token_of
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.client.wording import outcome
from crmcom_kit.contract_tests.oracle.envelope import is_readable
from crmcom_kit.contract_tests.oracle.expectations import Must
from crmcom_kit.contract_tests.oracle.oracle import Observation
from crmcom_kit.contract_tests.templates.logins import own_login, plain_list
from crmcom_kit.schemas.methods import API_PATH

#: The message of a run that cannot log in.
NO_LOGIN = "the release has no login with --api-key: give --token, or --username and --password"
#: How often a login is sent again to a server that is unavailable, and the seconds between two.
MAX_STARTS, PAUSE = 10, 1.0
#: The statuses of HTTP that mean an ended token, whatever the body is.
UNAUTHORIZED = (401, 403)
#: If this number of new tokens is refused in a row, the refusal is not about tokens.
MAX_NEW_TOKENS = 3


class Tokens:
    """Keeps the run's token, and replaces it when the target has ended it."""

    def __init__(self, connection: Connection, patience: Patience) -> None:
        """Keep the token of ``connection``; nothing is sent."""
        self._connection, self._patience = connection, patience
        #: How new tokens were refused: such refusals are not about tokens.
        self._refusals_of_new: list[Wording] = []

    # The first login.

    def enter(self) -> None:
        """Log in, unless the run was given a token, and learn how a wrong token is refused.

        Raises:
            TargetDown: the target refuses the login or the token.
            Unreachable: the response to the login has no token.
        """
        connection = self._connection
        try:
            self._enter()
        except TargetDown as error:
            connection.queue.clear()  # the login may be wrong
            base = connection.target.base_url
            if API_PATH in base or not connection.client.history:
                raise
            connection.findings.by_statement.clear()  # this may be another server
            msg = f"{error}; --base-url must be the whole base URL of the API, such as "
            raise TargetDown(f"{msg}{base}{API_PATH}") from None

    def _enter(self) -> None:
        connection, token = self._connection, self._connection.scene.token
        if token is None:
            with connection.scene.logins.count.held():
                self._share(connection.scene.logins.count.token)
        else:  # only the server knows whether it is valid
            connection.belief.tokens.note(token, TokenState.DOUBTFUL)
        connection.queue += connection.send(plain_list(connection.scene, NO_TOKEN)).suspicions
        if token is None:
            return
        refusal = self._refusal(token)
        if refusal is not None and refusal == connection.belief.tokens.refusal:
            response = outcome(connection.client.history[-1])
            msg = f"{connection.target.name} does not accept the given token: {response}"
            raise TargetDown(msg)
        connection.belief.tokens.note(token, TokenState.LIVE)

    def _share(self, token: str) -> None:
        """Use the token of another session of the same run, or log in."""
        connection = self._connection
        if token:
            connection.belief.tokens.note(token, TokenState.DOUBTFUL)
        if token and self._refusal(token) is None:
            connection.belief.tokens.note(token, TokenState.LIVE)
            connection.scene.token = token
        else:
            self.renew(replaces=bool(token))

    # Logging in.

    def login(self) -> Call | None:
        """Return the run's login, or None if it has none that the release knows."""
        return own_login(self._connection.scene)

    def renew(self, *, replaces: bool = False) -> None:
        """Log in, and use the new token.

        With ``replaces`` it replaces one that has ended.

        Raises:
            TargetDown: the server refuses the login.
            Unreachable: the response has no token, or no more logins are allowed.
        """
        connection, call = self._connection, self.login()
        if call is None:
            raise TargetDown(NO_LOGIN)
        observation = connection.send_login(call, replaces=replaces)
        for _ in range(MAX_STARTS):
            if observation.exchange.status not in OUTAGES:
                break
            connection.client.pause(PAUSE)  # the server, or a gateway in front of it, is starting
            observation = connection.send_login(call, replaces=True)
        if not observation.exchange.ok:
            msg = f"{connection.target.name} refuses the login: {outcome(observation.exchange)}"
            raise TargetDown(msg)
        connection.queue += observation.suspicions
        token = token_of(observation.exchange)
        if token is None:
            msg = "the login returned no token, and no method can be called without one"
            raise Unreachable(msg)
        connection.scene.token = connection.scene.logins.count.token = token

    # Tokens that end.

    def renew_if_ended(self, observation: Observation) -> bool:
        """Return whether a request was refused since its token has ended. If so, log in again.

        The documents leave open how an ended token is refused. A token has ended if the simplest
        request is refused in the same way. That may also be so for a while only, so it waits.
        """
        if not self._may_be_about_token(observation):
            return False
        belief, usual_refusal = self._connection.belief, self._connection.belief.tokens.refusal
        refusal = self._refusal(self._connection.scene.token)
        if refusal is None or refusal not in (usual_refusal, observation.exchange.wording):
            return False
        may_pass = refusal != usual_refusal or refusal in belief.temporary_refusals
        if may_pass and self._outlasts(refusal):
            return True
        return self._replace_token(refusal)

    def _may_be_about_token(self, observation: Observation) -> bool:
        """Return whether a request was refused, and the reason may be the run's token.

        A request that must be refused shows nothing of its token.
        """
        exchange, must = observation.exchange, observation.expectation.must
        token = exchange.call.parameters.get("token")
        is_login = token is None and must is Must.SERVE
        if exchange.ok or must is Must.REFUSE:
            return False
        if not is_login and token != self._connection.scene.token:
            return False
        if not is_readable(exchange) and exchange.status not in UNAUTHORIZED:
            return False  # without an envelope it is no refusal
        is_usual = exchange.wording == self._connection.belief.tokens.refusal
        return exchange.wording not in self._refusals_of_new and (must is Must.SERVE or is_usual)

    def _outlasts(self, refusal: Wording) -> bool:
        """Wait while the server refuses every request, and return whether that ends."""
        connection = self._connection
        return self._patience.outlasts(refusal, lambda: self._refusal(connection.scene.token))

    def _replace_token(self, refusal: Wording) -> bool:
        """Log in again, and return whether the new token is accepted. Raises TargetDown."""
        connection = self._connection
        if self.login() is None:
            msg = f"the token of {connection.target.name} expired during the run; "
            msg += "give --username and --password, so that the run can log in again"
            raise TargetDown(msg)
        ended_token = connection.scene.token
        for _ in range(MAX_NEW_TOKENS):  # a new token may end at once, too
            try:
                self.renew(replaces=True)
            except TargetDown:
                if connection.client.history[-1].wording == refusal and self._outlasts(refusal):
                    return True  # the server refused logins for a while, too
                raise
            if self._refusal(connection.scene.token) != refusal:
                if ended_token is not None and ended_token != connection.scene.token:
                    connection.belief.tokens.note(ended_token, TokenState.DOUBTFUL)
                return True
        if self._outlasts(refusal):
            return True
        self._refusals_of_new.append(refusal)
        return False

    def _refusal(self, token: str | None) -> Wording | None:
        """Send the simplest request, and return how it is refused; None if it is served.

        Suspicions of a refusal are dropped, since it is about the token.
        """
        try:
            observation = self._connection.send(plain_list(self._connection.scene, token))
        except ResponseTooLong:  # no refusal is that long
            return None
        if not observation.exchange.ok:
            return observation.exchange.wording
        self._connection.queue += observation.suspicions
        return None
