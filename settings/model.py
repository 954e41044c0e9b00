"""What can be set, with its default and its meaning. Every field is the variable FORGEHAND_<NAME>."""

import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from settings.machines import Destination, Devices, KubernetesMachine, Network, RepositoryMachine, SandboxKind
from settings.sources import SecretFileSource, split_list

SHORTEST_WEBHOOK_SECRET = 16
# A request to GitHub that outlives the lease could land after another worker took the task over.
LEASE_OVER_HTTP_TIMEOUT = 2.0
_WITHOUT_PASSWORD = re.compile(r":[^:@/]*@")


class Price(BaseModel):
    """US dollars for a million tokens."""

    input_per_million: float = Field(ge=0)
    output_per_million: float = Field(ge=0)


def _no_trailing_slash(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_no_trailing_slash)]


def _cache() -> Path:
    """Where this user's caches are, as tools/kernel-python finds it too."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


class Settings(BaseSettings):
    """One process's settings. Secrets are `SecretStr`: they never show in a repr, a log or an error."""

    model_config = SettingsConfigDict(env_prefix="FORGEHAND_", extra="forbid", hide_input_in_errors=True, frozen=True)

    # Where things are kept and reached
    state_dir: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "forgehand")
    database_url: SecretStr = SecretStr("")
    broker_url: SecretStr = SecretStr("")
    host: str = "127.0.0.1"
    port: int = Field(default=8017, ge=0, le=65535)
    public_url: Url | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    sentry_dsn: SecretStr = SecretStr("")

    # GitHub
    github_api_url: Url = "https://api.github.com"
    github_app_id: int | None = None
    github_app_slug: str = ""
    github_private_key: SecretStr = SecretStr("")
    github_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    github_timeout_s: float = Field(default=10.0, gt=0)
    github_write_spacing_s: float = Field(default=1.0, ge=0)
    delivery_poll_s: float = Field(default=60.0, gt=0)

    # Who may ask, and how
    trigger_assignees: Annotated[tuple[str, ...], NoDecode] = ()
    trigger_label: str = "forgehand"
    allowed_bot_app_ids: Annotated[tuple[int, ...], NoDecode] = ()
    hop_limit: int = Field(default=3, ge=0)
    review_debounce_s: float = Field(default=5.0, ge=0)

    # The model
    model: str = ""
    models: dict[str, str] = Field(default_factory=dict)
    model_fallbacks: Annotated[tuple[str, ...], NoDecode] = ()
    model_api_key: SecretStr = SecretStr("")
    model_api_base: Url | None = None
    model_prices: dict[str, Price] = Field(default_factory=dict)
    model_timeout_s: float = Field(default=300.0, gt=0)
    search_rerank: str = ""
    model_window_tokens: int | None = Field(default=None, ge=4_000)

    # Search over repositories
    indexes_mb: int = Field(default=10_240, ge=64)

    # What one task may use
    task_budget_usd: float = Field(default=5.0, ge=0)
    task_budget_tokens: int = Field(default=3_000_000, ge=0)
    task_budget_steps: int = Field(default=250, ge=1)
    task_budget_seconds: float = Field(default=3600.0, gt=0)

    # How long a kernel is made faster for
    optimize_turns: int = Field(default=8, ge=1, le=100)
    optimize_branches: int = Field(default=2, ge=1, le=20)
    optimize_patience: int = Field(default=4, ge=1, le=100)

    # The machine a task runs in
    sandbox: SandboxKind = "local"
    sandbox_owner: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,39})?$")
    sandbox_image: str = ""
    sandbox_network: Annotated[tuple[Destination, ...], NoDecode] = ()
    sandbox_setup_network: Annotated[tuple[Destination, ...], NoDecode] = ()
    sandbox_private_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    sandbox_repositories: dict[str, RepositoryMachine] = Field(default_factory=dict)
    docker_runtime: str = "runc"
    docker_url: str = ""
    docker_gpus: Annotated[Devices, NoDecode] = ()
    kubernetes: KubernetesMachine = Field(default_factory=KubernetesMachine)
    sandbox_allow_unisolated: bool = False
    sandbox_readonly_paths: Annotated[tuple[Path, ...], NoDecode] = ()
    sandbox_cpus: float = Field(default=1.0, gt=0)
    sandbox_memory_mb: int = Field(default=2048, ge=64)
    sandbox_disk_mb: int = Field(default=4096, ge=16)
    sandbox_processes: int = Field(default=512, ge=16)
    sandbox_setups_mb: int = Field(default=10_240, ge=0)
    warm_boxes: int | None = Field(default=None, ge=0, le=100)
    command_timeout_s: float = Field(default=600.0, gt=0)
    machines: int = Field(default=0, ge=0)
    machines_per_installation: int = Field(default=0, ge=0)
    machines_per_repository: int = Field(default=0, ge=0)
    machines_per_node: int = Field(default=0, ge=0)
    node_name: str = ""

    # The machine a kernel is verified in
    kernel_home: Path = Field(default_factory=lambda: _cache() / "forgehand")
    kernel_sandbox: SandboxKind | None = None
    kernel_image: str = ""
    kernel_gpu_image: str = ""
    kernel_image_python: PurePosixPath = PurePosixPath("/opt/kernel-python/bin/python")
    kernel_memory_mb: int = Field(default=4096, ge=512)
    kernel_gpu_wait_s: float = Field(default=0.0, ge=0)

    # The workers
    queues: Annotated[tuple[str, ...], NoDecode] = ("agent", "kernels")
    worker_concurrency: int = Field(default=4, ge=1, le=64)
    lease_s: float = Field(default=45.0, gt=0)
    relay_interval_s: float = Field(default=0.1, gt=0)
    sweep_interval_s: float = Field(default=1.0, gt=0)
    ci_settle_s: float = Field(default=20.0, ge=0)
    ci_poll_s: float = Field(default=60.0, gt=0)
    ci_timeout_s: float = Field(default=7200.0, gt=0)
    in_review_poll_s: float = Field(default=900.0, gt=0)

    @field_validator(
        "trigger_assignees",
        "model_fallbacks",
        "sandbox_readonly_paths",
        "sandbox_network",
        "sandbox_setup_network",
        "sandbox_private_networks",
        "docker_gpus",
        "queues",
        "allowed_bot_app_ids",
        mode="before",
    )
    @classmethod
    def _list(cls, value: object) -> object:
        return split_list(value) if isinstance(value, str) else value

    @field_validator("github_webhook_secrets", mode="before")
    @classmethod
    def _secrets(cls, value: object) -> object:
        return split_list(value) if isinstance(value, str) else value

    @field_validator("github_webhook_secrets")
    @classmethod
    def _long_enough(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret.get_secret_value()) < SHORTEST_WEBHOOK_SECRET for secret in value):
            raise ValueError(f"each secret needs at least {SHORTEST_WEBHOOK_SECRET} characters")
        return value

    @field_validator("github_private_key")
    @classmethod
    def _is_pem(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and "PRIVATE KEY-----" not in text:
            raise ValueError("is not a PEM private key")
        return value

    @model_validator(mode="after")
    def _lease_outlives_a_request(self) -> Self:
        if self.lease_s < LEASE_OVER_HTTP_TIMEOUT * self.github_timeout_s:
            raise ValueError(
                f"FORGEHAND_LEASE_S must be at least {LEASE_OVER_HTTP_TIMEOUT:g} times FORGEHAND_GITHUB_TIMEOUT_S, "
                "or a late request could follow a task to another worker"
            )
        return self

    def machine_of(self, repository: str) -> RepositoryMachine:
        """What the boxes of a repository (`owner/name`, in any case) are; nothing of it is None but the image."""
        given = next(
            (one for name, one in self.sandbox_repositories.items() if name.lower() == repository.lower()),
            RepositoryMachine(),
        )
        return RepositoryMachine(
            sandbox=given.sandbox or self.sandbox,
            image=given.image,
            network=self.sandbox_network if given.network is None else given.network,
            setup_network=self.sandbox_setup_network if given.setup_network is None else given.setup_network,
        )

    @property
    def effective_database_url(self) -> str:
        return self.database_url.get_secret_value() or f"sqlite:///{self.state_dir / 'forgehand.db'}"

    @property
    def effective_owner(self) -> str:
        """What boxes of this installation carry: those who share its database share its boxes, and nobody else."""
        if self.sandbox_owner:
            return self.sandbox_owner
        place = _WITHOUT_PASSWORD.sub("@", self.effective_database_url)
        return f"forgehand-{hashlib.sha256(place.encode()).hexdigest()[:10]}"

    @property
    def effective_public_url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, SecretFileSource(settings_cls), env_settings
