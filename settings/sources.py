"""Where values come from besides plain variables: secret files, and lists in one line."""

import os
import re
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource


def split_list(text: str) -> tuple[str, ...]:
    """`a, b` or one a line -> ("a", "b"). Empty parts are dropped."""
    return tuple(part.strip() for part in re.split(r"[,\n]", text) if part.strip())


class SecretFileSource(PydanticBaseSettingsSource):
    """FORGEHAND_<NAME>_FILE=/run/secrets/x gives FORGEHAND_<NAME> the file's text, without its last newline.

    This is how Docker and Kubernetes mount secrets: the value is in no environment and no argument list.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.prefix = str(settings_cls.model_config["env_prefix"])

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{self.prefix}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if not path:
            return None, field_name, False
        if os.environ.get(f"{self.prefix}{field_name.upper()}"):
            raise ValueError(f"{variable} and {variable.removesuffix('_FILE')} are both set: keep one of them")
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{variable} names {path}, which cannot be read: {error}") from error

    def __call__(self) -> dict[str, Any]:
        values = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                values[key] = value
        return values
