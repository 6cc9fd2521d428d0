"""What happened in a world that a test does not expect, or did not happen that it does."""

from crmcom_kit.mock_server.world.world import World


def unexpected(world: World) -> list[str]:
    """Return in lines, without secrets, what is not as a test says; none if all is.

    That is requests that were refused or had parameters that were ignored, also of the control API,
    expected refusals that never came, and faults that were never hit.
    """
    epoch = world.current_epoch
    count, lines = epoch.expectations.unexpected()
    if count > len(lines):
        lines.append(f"{count - len(lines):,} more requests")
    never_came = epoch.expectations.never_came()
    lines += [f"expected refusal: {one}; {one.count} came" for one in never_came]
    lines += [f"fault never hit: {state}" for state in epoch.faults.never_hit()]
    return [world.redactor.text(line) for line in lines]
