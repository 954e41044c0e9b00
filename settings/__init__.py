"""The one Settings object a process starts with, read from `FORGEHAND_*` variables and secret files.

Only `cli`, `app`, `workers` and `evals` read it; every other room is given plain values. A value that is missing or
wrong stops the start with a sentence that names the variable and says what to put there.
"""

from settings.loading import SettingsError, load_settings
from settings.model import Settings

__all__ = ["Settings", "SettingsError", "load_settings"]
