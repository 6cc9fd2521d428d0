"""``python -m crmcom_kit.mock_server``: the same as ``crmcom-kit serve``."""

from crmcom_kit.mock_server.cli.serve import serve

if __name__ == "__main__":
    serve(prog_name="python -m crmcom_kit.mock_server")
