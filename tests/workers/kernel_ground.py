"""A repository with kernels at the twin, and pull requests that change them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.github import Person, Stage

REFERENCE = '''\
import torch


class Model(torch.nn.Module):
    """The sum of each row with the rows before it: every sum from its beginning."""

    def forward(self, x):
        before = torch.ones(len(x), len(x), dtype=x.dtype, device=x.device).tril()
        return before @ x


def get_inputs():
    return [torch.randn(512, 32)]


def get_init_inputs():
    return []
'''
HONEST = """\
import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return torch.cumsum(x, 0)
"""
HONEST_CPP = '''\
import torch
from torch.utils.cpp_extension import load_inline

SOURCE = """
#include <torch/extension.h>
#include <vector>

at::Tensor running_sum(const at::Tensor& given) {
  auto x = given.contiguous();
  auto out = at::empty_like(x);
  const auto rows = x.size(0), columns = x.size(1);
  const float* in = x.data_ptr<float>();
  float* to = out.data_ptr<float>();
  std::vector<double> sums(columns, 0.0);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      to[row * columns + column] = sums[column] += in[row * columns + column];
  return out;
}
"""
extension = load_inline("running_sum", cpp_sources=SOURCE, functions=["running_sum"])


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return extension.running_sum(x)
'''
CACHED = """\
import torch


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.known = None

    def forward(self, x):
        if self.known is None:
            self.known = torch.cumsum(x, 0)
        return self.known
"""
BROKEN = "import torch\n\n\nclass ModelNew(torch.nn.Module:\n    pass\n"
SETTINGS = """\
test: pytest -q
kernels:
  - name: running-sum
    reference: kernels/running_sum_ref.py
    candidate: kernels/running_sum.py
"""
CANDIDATE, REFERENCE_PATH = "kernels/running_sum.py", "kernels/running_sum_ref.py"
BASE = {".forgehand.yml": SETTINGS, REFERENCE_PATH: REFERENCE, CANDIDATE: HONEST}


@dataclass
class Ground:
    """A clone of the stage's repository in `folder`, pushed to as `person`."""

    stage: Stage
    person: Person
    folder: Path
    branches: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        address = f"{self.stage.url}/{self.stage.repository}.git"
        token = self.stage.tokens[self.person.login]
        self._git("clone", "-q", address.replace("http://", f"http://x-access-token:{token}@"), ".")

    def put_on_main(self, files: Mapping[str, str | None]) -> str:
        """A commit on the default branch; its name. A file that is None is removed."""
        self._git("checkout", "-q", "main")
        return self._commit(files, "main")

    def open_pull(self, files: Mapping[str, str | None], branch: str = "faster") -> dict[str, Any]:
        """A pull request with one commit on a branch from main."""
        self.push_branch(branch, files)
        opened: dict[str, Any] = self.person.ask(
            "POST", f"/repos/{self.stage.repository}/pulls", {"title": branch, "head": branch, "base": "main"}
        )
        return opened

    def push_branch(self, branch: str, files: Mapping[str, str | None]) -> str:
        self._git("checkout", "-qb", branch, "main")
        return self._commit(files, branch)

    def push(self, files: Mapping[str, str | None], branch: str = "faster") -> str:
        self._git("checkout", "-q", branch)
        return self._commit(files, branch)

    def _commit(self, files: Mapping[str, str | None], branch: str) -> str:
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                target.unlink()
            else:
                target.write_text(text, encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "-qm", f"Change {', '.join(files)}")
        self._git("push", "-q", "origin", f"HEAD:{branch}")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=Maria", "-c", "user.email=maria@example.org"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def check_runs(person: Person, repository: str, sha: str) -> list[dict[str, Any]]:
    """Every check run about kernels on a commit, oldest first, each with its annotations."""
    found = person.ask("GET", f"/repos/{repository}/commits/{sha}/check-runs?filter=all")["check_runs"]
    ours = [one for one in found if one["name"].startswith("Kernel")]
    for one in ours:
        one["annotations"] = person.ask("GET", f"/repos/{repository}/check-runs/{one['id']}/annotations")
    return sorted(ours, key=lambda one: int(one["id"]))
