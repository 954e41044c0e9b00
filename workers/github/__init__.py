"""What a task does at GitHub: acknowledge, show, publish, follow CI, answer reviews.

Everything here can be done again: comments carry a hidden marker, check runs an external id, pull requests their
branch, and each is looked for before it is made.
"""

from workers.github.source import GitHubSource

__all__ = ["GitHubSource"]
