"""Check recorded traffic: nothing is sent from here."""

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.contract_tests.recorded.client_check import ClientChecker, ClientResults
from crmcom_kit.contract_tests.recorded.observer import Observer, without_order
from crmcom_kit.contract_tests.recorded.reading import Recording, RecordingError
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.results import Results, StatementResult, statement_results

#: What to do about suspicions that nothing confirms.
_ADVICE = "to confirm a suspicion, send its requests again while nobody else changes anything"


def run_recording(target: Target, config: RunConfig) -> Results:
    """Check the recording in ``config`` and return the results; nothing is sent.

    Raises RecordingError if its entries do not belong together, or if it has no client to check.
    """
    assert config.recording is not None  # noqa: S101 - for the type checker
    began, recording = config.now(), config.recording
    observer = Observer(target.release)
    checker = _client_checker(config, recording, observer.belief)
    end_reason = _follow(recording, config, observer, checker)
    observer.conclude()
    statements: tuple[StatementResult, ...] = ()  # of a server that is not checked
    if config.side != "client":
        statements = statement_results(
            observer.findings,
            target.release,
            config.deviations,
            config.only,
            lambda _: "no request in the recording tests it",
        )
    client_results = None if checker is None else checker.results()
    statement_ids = {result.statement.id for result in statements}
    unconfirmed_suspicions = [
        pair for name, pair in observer.unconfirmed_suspicions.items() if name in statement_ids
    ]
    return Results(
        target=target,
        command=config.command,
        seed=config.seed,
        began=recording.began,
        seconds=config.now() - began,
        statements=statements,
        history=tuple(observer.history),
        trouble=_trouble(observer, statements, client_results, config, end_reason),
        unsteady=observer.belief.unsteady,
        never_served=observer.oracle.service.never_served() if statements else (),
        client=client_results,
        stale=() if client_results is None else client_results.stale,
        warnings=(
            *_warnings(recording, config, observer, client_results),
            *(_unconfirmed(suspicion, times) for suspicion, times in unconfirmed_suspicions),
            *([_ADVICE] if unconfirmed_suspicions else []),
        ),
        unconfirmed=sum(times for _, times in unconfirmed_suspicions),
    )


def _client_checker(
    config: RunConfig, recording: Recording, belief: Belief
) -> ClientChecker | None:
    """Return the checker of the client; None if it is not checked.

    Raises RecordingError if it should be, and the recording has no client.
    """
    if not config.is_check or config.side == "server":
        return None
    if all(recorded.is_of_kit for recorded in recording.exchanges):
        if config.side == "client":
            msg = "crmcom-kit check wrote it: --side client needs the traffic of a client"
            raise RecordingError(msg)
        return None
    return ClientChecker(belief, config.expected_refusals, config.only)


def _follow(
    recording: Recording, config: RunConfig, observer: Observer, checker: ClientChecker | None
) -> str | None:
    """Pass each exchange to observer and checker; return why the run ended early, or None."""
    unordered_ids = without_order(recording.exchanges)
    for recorded in recording.exchanges:
        observer.know_login(recorded.exchange)
    try:
        for recorded in recording.exchanges:
            config.stop.check()
            is_unordered = id(recorded) in unordered_ids
            token = recorded.exchange.call.parameters.get("token")
            try:
                if checker is not None:
                    checker.check(
                        recorded,
                        is_unordered=is_unordered,
                        is_token_ambiguous=observer.is_token_ambiguous(token),
                    )
                observer.follow(recorded, is_unordered=is_unordered)
            except Exception as error:  # noqa: BLE001 - the next exchange is checked all the same
                observer.findings.note_crash("the recording", error)
    except KeyboardInterrupt:
        return "interrupted"
    return None


def _trouble(
    observer: Observer,
    statements: tuple[StatementResult, ...],
    client: ClientResults | None,
    config: RunConfig,
    end_reason: str | None,
) -> str | None:
    """Return why the run has failed, if it has; ``end_reason`` is why it ended early."""
    if observer.findings.crashes:
        return f"an internal error of crmcom-kit: {'; '.join(observer.findings.crashes)}"
    if end_reason is not None:
        return end_reason
    is_tested = any(result.verdict is not Verdict.NOT_EXERCISED for result in statements)
    # With --only, a client counts as checked only if it made a mistake.
    is_client_checked = client is not None and bool(
        client.mistakes or (client.requests and config.only == "*")
    )
    if statements and not (is_tested or is_client_checked):
        return "no request in the recording tests any of the selected statements"
    return None


def _warnings(
    recording: Recording, config: RunConfig, observer: Observer, client: ClientResults | None
) -> list[str]:
    """Return what a reader of the verdicts has to know, a sentence each."""
    count = len(observer.history)
    verb = f"{'was' if count == 1 else 'were'} {'checked' if config.is_check else 'read'}"
    warnings = [f"{counted(count, 'recorded exchange')} {verb}, and nothing was sent"]
    if recording.says_release:
        warnings.append(f"the release is {recording.release.name}, as the recording says")
    if recording.skips:
        warnings.append(f"skipped entries: {recording.skips}")
    if config.is_check and client is None and config.side != "server":
        warnings.append("its requests are those of crmcom-kit check, and no client's")
    if untracked_ids := observer.belief.records.untracked_ids:
        records = counted(len(untracked_ids), "webhook request")
        warnings.append(f"{records} are untracked, and are not checked")
    return warnings


def _unconfirmed(suspicion: Suspicion, times: int) -> str:
    """Describe the first suspicion of a statement, and how many more there are."""
    suffix = f"; and {counted(times - 1, 'time')} more" if times > 1 else ""
    statement, method = suspicion.kind
    return (
        f"not confirmed: {statement}, exchange {suspicion.exchange.number}, {method}: expected "
        f"{suspicion.expected}; seen {suspicion.seen}{suffix}"
    )
