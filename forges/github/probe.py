"""Is the App set up so that it can work? Facts gathered from GitHub, and the judgement over them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .app import AppIdentity, GitHubApp, HookConfig, InstallationInfo
from .app_manifest import NEEDED_EVENTS
from .permissions import missing_permissions
from .transport import BadCredentials, ForgeError

Severity = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class SetupFinding:
    """One line for `doctor`: what was looked at, how it is, and what to do (empty when all is well)."""

    severity: Severity
    subject: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What GitHub says. `assignable` maps (repository, login) to whether issues can be assigned to it there."""

    identity: AppIdentity
    hook: HookConfig
    installations: Sequence[InstallationInfo]
    assignable: Mapping[tuple[str, str], bool]


def probe(app: GitHubApp, *, hook_url: str | None, assignees: Sequence[str] = ()) -> list[SetupFinding]:
    """Ask GitHub and judge. `hook_url` is where we listen, if known; `assignees` the logins that ask by assignment.

    Trouble with GitHub is itself a finding: this never raises ForgeError.
    """
    try:
        facts = gather(app, assignees)
    except BadCredentials as error:
        remedy = "check the App id, the private key and this machine's clock (GitHub takes a minute of difference)"
        return [SetupFinding("error", "credentials", str(error), remedy)]
    except ForgeError as error:
        return [
            SetupFinding("error", "github", str(error), f"check that {app.base_url} is right and reachable from here")
        ]
    return judge_setup(facts, app_id=app.app_id, hook_url=hook_url)


def gather(app: GitHubApp, assignees: Sequence[str]) -> Facts:
    """Ask GitHub for the facts: a handful of requests, and one for each repository and login."""
    installations = app.installations()
    assignable: dict[tuple[str, str], bool] = {}
    for info in installations if assignees else ():
        if not info.suspended:
            installation = app.installation(info.id)
            for repository in installation.repositories():
                permissions = installation.repository(repository.full_name).permissions
                for login in assignees:
                    assignable[repository.full_name, login] = permissions.assignable(login)
    return Facts(app.identity(), app.hook_config(), installations, assignable)


def judge_setup(facts: Facts, *, app_id: int, hook_url: str | None) -> list[SetupFinding]:
    """Return what the facts mean, errors first."""
    findings = [
        *_identity(facts.identity, app_id),
        *_hook(facts.hook, hook_url),
        *_installations(facts),
        *_assignees(facts.assignable),
    ]
    return sorted(findings, key=lambda finding: ("error", "warning", "ok").index(finding.severity))


def _identity(identity: AppIdentity, app_id: int) -> list[SetupFinding]:
    findings = [SetupFinding("ok", "app", f"{identity.name} ({identity.slug}, id {identity.id})")]
    if identity.id != app_id:
        findings = [
            SetupFinding("error", "app", f"the key is of App {identity.id}, not {app_id}", "set the App id to match")
        ]
    if missing := missing_permissions(dict(identity.permissions)):
        remedy = "add them in the App's settings under Permissions & events; owners must approve them afterwards"
        findings.append(SetupFinding("error", "permissions", f"the App does not ask for {_pairs(missing)}", remedy))
    if absent := sorted(NEEDED_EVENTS - identity.events):
        remedy = "subscribe to them in the App's settings under Permissions & events"
        findings.append(SetupFinding("error", "events", f"the App is not told of {', '.join(absent)}", remedy))
    return findings


def _hook(hook: HookConfig, hook_url: str | None) -> list[SetupFinding]:
    findings = []
    if not hook.url:
        findings.append(SetupFinding("error", "webhook", "no URL is set", "set it in the App's settings"))
    elif hook_url is not None and hook.url != hook_url:
        message = f"GitHub delivers to {hook.url}, we listen at {hook_url}"
        findings.append(SetupFinding("error", "webhook", message, "make them the same"))
    if not hook.has_secret:
        findings.append(SetupFinding("error", "webhook secret", "none is set", "set the same secret there and here"))
    if hook.insecure_ssl:
        findings.append(SetupFinding("warning", "webhook", "certificates are not verified", "enable SSL verification"))
    return findings or [SetupFinding("ok", "webhook", hook.url)]


def _installations(facts: Facts) -> list[SetupFinding]:
    if not facts.installations:
        return [SetupFinding("error", "installations", "the App is installed nowhere", "install it on a repository")]
    findings = []
    for info in facts.installations:
        subject = f"installation {info.account}"
        if info.suspended:
            findings.append(SetupFinding("warning", subject, "suspended", "its owner can unsuspend it"))
        elif missing := missing_permissions(dict(info.permissions)):
            message = f"not approved: {_pairs(missing)}"
            findings.append(SetupFinding("warning", subject, message, "its owner must approve them"))
        else:
            findings.append(SetupFinding("ok", subject, f"{info.repository_selection} repositories"))
    return findings


def _assignees(assignable: Mapping[tuple[str, str], bool]) -> list[SetupFinding]:
    remedy = "give that account at least read access (triage to be sure), or use the label or a mention there"
    return [
        SetupFinding("ok", f"assignee {login}", f"can be assigned in {repository}")
        if possible
        else SetupFinding("warning", f"assignee {login}", f"cannot be assigned in {repository}", remedy)
        for (repository, login), possible in sorted(assignable.items())
    ]


def _pairs(permissions: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {level}" for name, level in sorted(permissions.items()))
