"""A repository's past, understood without running git: `repositories.commit_history` reads it, this room explains it.

What changes together, where work goes, who knows what, and which pull request a line came with. Commits of bots and of
mass reformatting are left out and counted; nothing here ranks places for a report, where the past was measured to hurt.
"""

from codebase.history.blame import Origin, read_blame
from codebase.history.commits import Commit, Touch, read_log
from codebase.history.hot_spots import HotSpot, hot_spots
from codebase.history.noise import IGNORE_FILE, noise, read_ignored
from codebase.history.past import Change, Past, read_past
from codebase.history.people import Person, who_knows
from codebase.history.pull_requests import pull_requests
from codebase.history.together import MOST_PATHS, Companion, Pair, companions, pairs

__all__ = [
    "IGNORE_FILE",
    "MOST_PATHS",
    "Change",
    "Commit",
    "Companion",
    "HotSpot",
    "Origin",
    "Pair",
    "Past",
    "Person",
    "Touch",
    "companions",
    "hot_spots",
    "noise",
    "pairs",
    "pull_requests",
    "read_blame",
    "read_ignored",
    "read_log",
    "read_past",
    "who_knows",
]
