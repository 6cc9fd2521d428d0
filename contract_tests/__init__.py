"""The contract kit: checks a mock, a real instance or anybody's stubs statement by statement.

``crmcom-kit check`` runs it, and so does ``pytest --pyargs crmcom_kit.contract_tests``.
"""
