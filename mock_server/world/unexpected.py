"""What happened in a world that a test does not expect, or did not happen that it does."""

from crmcom_kit.mock_server.world.world import World


def unexpected(world: World) -> list[str]:
    """Return in lines, without secrets, what is not as a test says; none if all is.

    That is requests that were refused or had parameters that were ignored, expected refusals that
    never came, and faults that were never hit.
    """
    epoch = world.current_epoch
    count, requests = epoch.expectations.unexpected()
    lines = [str(one) for one in requests]
    if count > len(requests):
        lines.append(f"{count - len(requests):,} more requests")
    never_came = epoch.expectations.never_came()
    lines += [f"expected refusal: {one}; {one.count} came" for one in never_came]
    lines += [f"fault never hit: {state}" for state in epoch.faults.never_hit()]
    return [world.redactor.text(line) for line in lines]
