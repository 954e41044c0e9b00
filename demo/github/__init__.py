"""A GitHub double of our own: stateful REST, git over HTTP, webhooks, checks by the repository's own workflow, pages.

The demo and every end-to-end test run against it; clients cannot tell it from github.com by anything they rely on.
`Twin` serves it from this process, `python -m demo.github` from one of its own; `Person` acts as somebody, `Controls`
turns the switches, and `Stage` is how to reach a furnished one.
"""

from demo.github.controls import Controls
from demo.github.people import Person
from demo.github.stage import Stage
from demo.github.twin import Twin

__all__ = ["Controls", "Person", "Stage", "Twin"]
