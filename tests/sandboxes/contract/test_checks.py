"""Every check that `forgehand sandbox check` makes, on every backend with walls."""

import pytest

from sandboxes.checking import CHECKS, Check, Ground, perform


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.theme}: {check.name}")
def test_it_holds(ground: Ground, check: Check) -> None:
    result = perform(check, ground)
    assert result.outcome == "held", result.detail
