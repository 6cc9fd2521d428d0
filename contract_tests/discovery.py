"""Finds the webhook requests that a target has, by list over the entities of the release."""

from crmcom_kit.contract_tests.kit import Kit


def discover(kit: Kit) -> None:
    """Fill the kit's pool with whole webhook requests."""
    for entity in kit.release.entities:
        for record in kit.call("list", {"entity": entity}).records:
            kit.pool.learn(record)
