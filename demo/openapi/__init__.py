"""GitHub's published description of its REST API and webhooks, cut down to what this project speaks.

`prune.py` makes `github.json` from the npm package `@octokit/openapi` (a pinned version); nothing is edited by hand.
`Validator` holds an exchange or a webhook against it, `Witness` does so for everything a twin says and hears.
"""

from demo.openapi.middleware import Witness
from demo.openapi.validate import Exchange, Validator, Violation

__all__ = ["Exchange", "Validator", "Violation", "Witness"]
