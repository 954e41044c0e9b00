"""The agent's tools: a small set, each with a checked argument schema and answers that say how to go on.

Tools see a desk (the box and its limits) and nothing of the window they are called from. What they answer is an
`Observation`; deciding what follows from it is the loop's business.
"""

from agent.tools.deciding import DECIDING, submit_tool
from agent.tools.desk import Desk
from agent.tools.editing import EDITING
from agent.tools.language_server import DIAGNOSING, SERVED
from agent.tools.navigating import NAVIGATING
from agent.tools.reading import READING
from agent.tools.running import RUNNING
from agent.tools.searching import SEARCHING
from agent.tools.testing import TESTING
from agent.tools.tool import Arguments, Observation, Tool, find

__all__ = [
    "DECIDING",
    "DIAGNOSING",
    "EDITING",
    "NAVIGATING",
    "READING",
    "RUNNING",
    "SEARCHING",
    "SERVED",
    "TESTING",
    "Arguments",
    "Desk",
    "Observation",
    "Tool",
    "find",
    "submit_tool",
]
