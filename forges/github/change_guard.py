"""Changes a bot must not make on its own: CI workflows, code owners, and the rules it runs under itself.

Pushing under .github/workflows also takes the permission `workflows: write`; without it GitHub refuses the whole push:
https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/choosing-permissions-for-a-github-app
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

_OWNERS = frozenset({"CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"})
_OWN_FOLDER = ".forgehand"
_OWN_FILES = frozenset({".forgehand.yml", ".forgehand.yaml", ".forgehand.toml"})


@dataclass(frozen=True, slots=True)
class ChangeGuard:
    """The guarded paths of a change, by kind, each sorted."""

    workflows: tuple[str, ...]
    owners: tuple[str, ...]
    own_config: tuple[str, ...]

    @property
    def needs_approval(self) -> bool:
        """A person who can write must have agreed to this change."""
        return bool(self.workflows or self.owners or self.own_config)

    @property
    def needs_workflow_permission(self) -> bool:
        """Pushing this takes `workflows: write`."""
        return any(PurePosixPath(path).parts[:2] == (".github", "workflows") for path in self.workflows)


def guard_change(paths: Iterable[str]) -> ChangeGuard:
    """Sort out the guarded ones among the changed `paths` (POSIX, relative to the root; for a rename, both names).

    Compared without regard to case: on some file systems the other spelling is the same file.
    """
    workflows: list[str] = []
    owners: list[str] = []
    own_config: list[str] = []
    owner_names = {name.lower() for name in _OWNERS}
    for path in sorted(set(paths)):
        lower = path.lower()
        first, second = (*PurePosixPath(lower).parts, "", "")[:2]
        if first == ".github" and second in ("workflows", "actions"):
            workflows.append(path)
        elif lower in owner_names:
            owners.append(path)
        elif first == _OWN_FOLDER or lower in _OWN_FILES:
            own_config.append(path)
    return ChangeGuard(tuple(workflows), tuple(owners), tuple(own_config))
