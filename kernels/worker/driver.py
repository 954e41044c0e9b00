"""What `nvidia-smi --query-gpu` says of a device, and which of it means that nothing should be run there. Pure.

The fields: `nvidia-smi --help-query-gpu`; what the counts mean:
https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/index.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_WRONG = {
    "ecc.errors.uncorrected.volatile.total": "its driver counts {value} memory errors that could not be corrected",
    "remapped_rows.failure": "a row of its memory that failed could not be replaced",
    "remapped_rows.pending": "a row of its memory that failed waits for a restart to be replaced",
}
ASKED = (
    "driver_version",
    "temperature.gpu",
    "clocks.sm",
    "clocks.max.sm",
    "clocks_throttle_reasons.active",
    "power.draw",
    "power.limit",
    "mig.mode.current",
    *_WRONG,
)
_NOTHING = frozenset({"", "0", "no", "[n/a]", "n/a", "[not supported]", "not supported"})


def read_answer(text: str) -> dict[str, str]:
    """The fields of the one line that is asked for; nothing where it has another number of them."""
    lines = [line for line in text.splitlines() if line.strip()]
    values = [one.strip() for one in lines[0].split(",")] if len(lines) == 1 else []
    return dict(zip(ASKED, values, strict=True)) if len(values) == len(ASKED) else {}


def problems_of(state: Mapping[str, str]) -> Iterator[str]:
    for name, words in _WRONG.items():
        if (value := state.get(name, "")).lower() not in _NOTHING:
            yield words.format(value=value)
