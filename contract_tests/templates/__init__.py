"""The one table of request templates: what a run can send, and how each request is drawn."""

from crmcom_kit.contract_tests.templates import (
    changes,
    lists,
    logins,
    reads,
    refusals,
    undocumented,
)
from crmcom_kit.contract_tests.templates.table import Scene, Template, all_templates

__all__ = [
    "Scene", "Template", "all_templates", "changes", "lists", "logins", "reads", "refusals",
    "undocumented",
]  # fmt: skip
