"""Where GitHub's own description is known to be wrong or silent, each with the reason. Measured: see the tests.

An allowance that nothing needs any more fails a test, so this list does not outlive its reasons.
"""

import re
from dataclasses import dataclass, field

# Answers that any operation can give and that the description lists for few: not modified, bad credentials, not
# permitted, not there, rejected by validation, rate limited, and GitHub's own failures.
ANY_OPERATION = frozenset({304, 400, 401, 403, 404, 409, 422, 429, 502})

# GraphQL is described by a schema of its own, not by the REST description.
NOT_DESCRIBED = frozenset({("POST", "/graphql")})


@dataclass
class Allowance:
    """Differences that are right: `where`, `at` and `message` are regular expressions that must match wholly."""

    where: str
    at: str
    message: str
    reason: str
    used: int = field(default=0, compare=False)


ALLOWANCES: list[Allowance] = [
    Allowance(
        ".*",
        ".*email",
        r'"\d+\+[\w-]+\[bot\]@users\.noreply\.github\.com" is not a "email"',
        "GitHub gives bots addresses with brackets, which RFC 5321 does not allow unquoted.",
    ),
    Allowance(
        "GET /app/installations",
        r"\d+/account",
        ".*",
        "The description wants an account that is a user and an enterprise at once (allOf where anyOf is meant); "
        "the answer about one installation has it right, and the twin draws both alike.",
    ),
    Allowance(
        r"(GET|POST|PATCH) .*/pulls/(\{pull_number\}/)?comments.*|webhook pull-request-review-.*",
        r".*(line|position)",
        r'null is not of type "integer"',
        "A comment whose line has changed since is outdated: GitHub answers null for its line and position.",
    ),
    Allowance(
        r"GET /repos/[^/]+/[^/]+/statuses/\w+",
        "",
        "is not in the description",
        "PyGithub asks for a commit's statuses by an old path that GitHub still answers and no longer describes.",
    ),
    Allowance(
        r"DELETE .*/git/refs/\{ref\}|POST .*/requested_reviewers|GET .*/merge",
        "",
        "has a body where none is described",
        "The description lists these refusals without a body; GitHub sends its usual error object with them.",
    ),
]


def allowed(where: str, at: str, message: str) -> bool:
    """True when the difference is on the list; counts the use."""
    for one in ALLOWANCES:
        if (
            re.fullmatch(one.where, where)
            and re.fullmatch(one.at, at)
            and re.fullmatch(one.message, message, re.DOTALL)
        ):
            one.used += 1
            return True
    return False
