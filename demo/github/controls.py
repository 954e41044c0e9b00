"""The twin's switches from outside, for a twin in this process or in another."""

from typing import Any

import httpx


class Controls:
    """Talks to `/_twin/` of the twin at `url`; httpx.HTTPStatusError when the twin refuses."""

    def __init__(self, url: str, admin_token: str) -> None:
        self.url = url
        self._headers = {"authorization": f"Bearer {admin_token}"}

    def _ask(self, method: str, what: str, body: dict[str, Any] | None = None, timeout: float = 10) -> Any:
        response = httpx.request(
            method, f"{self.url}/_twin/{what}", headers=self._headers, json=body, timeout=timeout, trust_env=False
        )
        response.raise_for_status()
        return response.json()

    def wait_ready(self, timeout: float) -> None:
        """Returns when a twin that listens already answers; RuntimeError when it does not within `timeout` seconds."""
        try:
            self._ask("GET", "ready", timeout=timeout)
        except httpx.TransportError as error:
            raise RuntimeError(f"No twin answers at {self.url} within {timeout:g} s: {error}") from None

    def fault(self, kind: str, method: str = "*", path: str = ".*", count: int = 1, **more: Any) -> None:
        """Asks for a fault; kinds and fields as in `demo.github.faults.Fault`."""
        self._ask("POST", "faults", {"kind": kind, "method": method, "path": path, "count": count, **more})

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def faults(self) -> list[dict[str, Any]]:
        """What was asked for, with `struck`: how many requests each fault has hit."""
        found: list[dict[str, Any]] = self._ask("GET", "faults")
        return found

    def knobs(self, *, copies: int = 1, shuffle: int = 1, lose: float = 0.0, seed: int = 0) -> None:
        """Doubles, shuffles and loses webhook deliveries from now on; without arguments all is well again."""
        self._ask("POST", "knobs", {"copies": copies, "shuffle": shuffle, "lose": lose, "seed": seed})

    def journal(self) -> list[dict[str, Any]]:
        """Every request so far: number, method, path, status, actor, kind, handled, fault."""
        found: list[dict[str, Any]] = self._ask("GET", "journal")
        return found

    def writes(self) -> list[dict[str, Any]]:
        """The requests that changed something; the ones to count for double writes."""
        found: list[dict[str, Any]] = self._ask("GET", "writes")
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", "deliveries")
        return found

    def hook(self, url: str, slug: str = "forgehand") -> None:
        """Points an App's webhook at `url`."""
        self._ask("POST", "hook", {"slug": slug, "url": url})

    def press(self, login: str, repository: str, check_run_id: int, identifier: str) -> None:
        """`login` presses a check run's button (GitHub has no API for that; its page has)."""
        body = {"login": login, "repository": repository, "check_run_id": check_run_id, "identifier": identifier}
        self._ask("POST", "press", body)

    def ci(self, enabled: bool) -> None:
        """Switches GitHub Actions on or off for pushes to come."""
        self._ask("POST", "ci", {"enabled": enabled})

    def drafts(self, repository: str, allowed: bool) -> None:
        """Allows draft pull requests, or has them refused with 422 as some private plans do."""
        self._ask("POST", "drafts", {"repository": repository, "allowed": allowed})

    def protect(self, repository: str, branch: str, contexts: list[str], *, pull_request: bool = False) -> None:
        """Requires checks on a branch, and pull requests instead of pushes when asked."""
        body = {"repository": repository, "branch": branch, "contexts": contexts, "pull_request": pull_request}
        self._ask("POST", "protect", body)
