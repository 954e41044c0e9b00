"""Reading the settings, and saying what is wrong in words that name the variable and the remedy."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError as SourceError

from settings.model import Settings

# What a service cannot start without, and what to put there.
NEEDED_BY: Mapping[str, Mapping[str, str]] = {
    "web": {
        "github_webhook_secrets": "the webhook secret of the GitHub App (openssl rand -hex 32), or several "
        "separated by commas while you rotate it",
        "github_app_id": "the App ID shown at the top of the GitHub App's settings page",
    },
    "worker": {
        "github_app_id": "the App ID shown at the top of the GitHub App's settings page",
        "github_private_key": "the PEM private key generated on the GitHub App's settings page "
        "(or FORGEHAND_GITHUB_PRIVATE_KEY_FILE with its path)",
        "model": "the model that does the work, in LiteLLM's form, such as anthropic/claude-sonnet-4-5 "
        "or openai/gpt-5, or scripted:FILE",
    },
}


class SettingsError(Exception):
    """The settings do not allow a start. Each problem is one sentence naming the variable and the remedy."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def variable(field: str) -> str:
    return f"FORGEHAND_{field.upper()}"


def load_settings(*, service: str | None = None, **overrides: Any) -> Settings:
    """Reads the environment and secret files.

    `service` is "web", "worker", or "serve" for both: what it cannot start without must be there. SettingsError lists
    every problem at once.
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith("FORGEHAND_")
        and name not in NOT_SETTINGS
        and name.removeprefix("FORGEHAND_").removesuffix("_FILE").lower() not in Settings.model_fields
    )
    if unknown:
        raise SettingsError(f"{name} is not a setting of Forgehand: remove it or correct its name" for name in unknown)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_sentence(problem) for problem in error.errors()) from None
    except (SourceError, ValueError) as error:
        raise SettingsError([str(error)]) from None
    if service is not None:
        require(settings, service)
    return settings


# Read by the Makefile and the tests, not by Forgehand.
NOT_SETTINGS = frozenset({"FORGEHAND_REQUIRE_ENGINES"})


def require(settings: Settings, service: str) -> None:
    """Raises SettingsError unless everything `service` needs is set."""
    services = ("web", "worker") if service == "serve" else (service,)
    needed = {field: what for name in services for field, what in NEEDED_BY[name].items()}
    missing = [
        f"{variable(field)} is not set: put {what}" for field, what in needed.items() if not _has(settings, field)
    ]
    if missing:
        raise SettingsError(missing)


def _has(settings: Settings, field: str) -> bool:
    value = getattr(settings, field)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _sentence(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    return f"{variable(str(problem['loc'][0]))} {message[0].lower()}{message[1:]}"
