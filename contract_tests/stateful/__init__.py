"""The stateful layer: Hypothesis combines requests, and the checks judge what comes back."""

from crmcom_kit.contract_tests.stateful.layer import run_stateful

__all__ = ["run_stateful"]
