"""Names that 0.5 removed, and what to use instead; the changelog has the same table."""

#: By the name as users write it: an option of a command, a path of the control API, or a name of
#: the Python API.
INSTEAD = {
    # commands
    "proxy": "record with mitmproxy, then use check --from-har (docs/how-to/recorded-traffic.md)",
    # options of commands
    "COMMAND --config": "write crmcom-kit --config FILE COMMAND",
    # options of serve and fixtures
    "--deliveries": "use --deliver",
    "--from": "use --since",
    "--to": "use --until",
    "--error-code": "use Options(error_codes=…) in Python",
    **dict.fromkeys(("--tls-cert", "--tls-key", "--tls-self-signed"), "use a proxy for TLS"),
    # an option of openapi
    "--server-url": 'change "servers" in the document',
    "ready": "use curl -f --retry 30 --retry-connrefused http://127.0.0.1:8080/readyz",
    # options of check, calibrate and diff
    "--verbose": "use --html or --json, which have all statements",
    "-v": "use --html or --json, which have all statements",
    "--fail-on": "undocumented requests no longer decide the exit status",
    "--all-records": "use --scope all",
    "--only-definition": "use --scope definition=NAME",
    "--only-number": "use --scope number=N",
    "--unit": "set CRMCOM_UNIT",
    "--expired-token": "set CRMCOM_EXPIRED_TOKEN",
    "--secret-key": "set CRMCOM_SECRET_KEY",
    "--admin-token": "set CRMCOM_ADMIN_TOKEN",
    "--other": "calibrate one of the two servers, then use diff --profile FOLDER",
    # the Python API
    "mock.assert_faults_hit": "use mock.assert_nothing_unexpected()",
    "mock.origin": "use mock.url, which is that of its world",
    "strict": "call mock.assert_nothing_unexpected() at the end",
    "mock.receiver": "write a receiver of about 15 lines (docs/how-to/receiver.md)",
    "mock.snapshot": "use state = mock.export(), which mock.load(state) puts back",
    "mock.restore": "use mock.load(state) with what mock.export() returned",
    "recorded_response": 'read the file: respond={"body": Path("list.json").read_bytes()}',
    "mock.calls": "use mock.requests",
    "calls": "use requests",
    "lost_answer": "use lost_response",
    "deliveries": "use deliver",
    "date_from": "use since",
    "date_to": "use until",
    # paths of the control API
    "/receiver": "write a receiver of about 15 lines (docs/how-to/receiver.md)",
    "/snapshots": "GET /__admin/state has the content, which PUT /__admin/state puts back",
    "/fidelity": "use /evidence",
}


def remedy(name: str) -> str:
    """Return the end of an error about an unknown name: what replaces it, if 0.5 removed it."""
    return f"; 0.5 removed it: {INSTEAD[name]}" if name in INSTEAD else ""
