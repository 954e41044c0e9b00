"""Model names from the settings made into model clients; `scripted:FILE` gets a server of its own."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from agent import CallPolicy, ModelClient
from agent.journal import Reply
from agent.model import ModelRejected, ModelUnavailable
from agent.prices import ModelSpec, Price
from agent.provider import Json
from demo.scripted_model import ScriptedModel
from observability import reporting_model_errors
from settings import Settings

SCRIPTED = "scripted:"


class ReportingClient(ModelClient):
    """A model client whose final failures go to the error reports, with the model and the phase and nothing else."""

    def complete(self, messages: Sequence[Json], tools: Sequence[Json], *, role: str, **call: Any) -> Reply:
        try:
            return super().complete(messages, tools, role=role, **call)
        except (ModelUnavailable, ModelRejected):
            with reporting_model_errors(self.specs(role)[0].name, role):
                raise


class Models:
    """The models of one process. Scripted ones are served on a loopback port from first use until `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scripts: dict[str, ModelSpec] = {}
        self._servers = ExitStack()
        self._lock = threading.Lock()

    def client(self) -> ModelClient:
        """A client with the configured model, its fallbacks and the phases' own models. Raises ScriptError for a
        script that cannot be read."""
        settings = self._settings
        default = [self._spec(name) for name in (settings.model, *settings.model_fallbacks)]
        roles = {role: [self._spec(name), *default[1:]] for role, name in settings.models.items()}
        policy = CallPolicy(read_s=settings.model_timeout_s, total_s=2 * settings.model_timeout_s)
        return ReportingClient(default, roles, money_limited=settings.task_budget_usd > 0, policy=policy)

    def shown(self, model: str) -> str:
        """A model's name as people know it from the settings: a script's windows are one model to them."""
        scripted = {name for name in self._names() if name.startswith(SCRIPTED)}
        if model.startswith("openai/") and scripted and model not in self._names():
            return SCRIPTED + ", ".join(sorted(Path(name.removeprefix(SCRIPTED)).name for name in scripted))
        return model

    def _names(self) -> set[str]:
        return {self._settings.model, *self._settings.model_fallbacks, *self._settings.models.values()}

    def _spec(self, name: str) -> ModelSpec:
        settings = self._settings
        if name.startswith(SCRIPTED):
            return self._scripted(name.removeprefix(SCRIPTED))
        price = settings.model_prices.get(name)
        return ModelSpec(
            name,
            api_base=settings.model_api_base,
            api_key=settings.model_api_key.get_secret_value() or None,
            context_tokens=settings.model_window_tokens,
            price=None
            if price is None
            else Price(Decimal(str(price.input_per_million)), Decimal(str(price.output_per_million))),
        )

    def _scripted(self, path: str) -> ModelSpec:
        with self._lock:
            if path not in self._scripts:
                script = ScriptedModel.load(Path(path))
                server = self._servers.enter_context(script.serve())
                asked = script.price
                price = (
                    Price(Decimal(0), Decimal(0))
                    if asked is None
                    else Price(Decimal(str(asked.input_per_million)), Decimal(str(asked.output_per_million)))
                )
                self._scripts[path] = ModelSpec(
                    "openai/{window}", api_base=server.base_url, api_key=server.api_key, price=price
                )
            return self._scripts[path]

    def close(self) -> None:
        """Ends the scripted servers."""
        with self._lock:
            self._servers.close()
            self._scripts.clear()
