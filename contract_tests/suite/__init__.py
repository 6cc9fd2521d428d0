"""The suite that `pytest --pyargs crmcom_kit.contract_tests` runs."""
