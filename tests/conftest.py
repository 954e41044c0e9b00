import pytest

pytest_plugins = ["tests.engines", "tests.recorded"]


def pytest_configure(config: pytest.Config) -> None:
    """The long tests run only when they are asked for: `-m chaos`, `-m gvisor`, `-m hostile`."""
    if not config.option.markexpr:
        config.option.markexpr = "not chaos and not gvisor and not hostile"
