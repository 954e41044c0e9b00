"""What torch imports by itself when it is imported, where this is installed (the entry point `torch.backends`):
https://docs.pytorch.org/tutorials/unstable/python_extension_autoload.html"""

from pathlib import Path
from types import ModuleType
from typing import Any

import torch

MEMORY = 64 << 20
SICK = "sick"
"""A file beside this one: where it is, processes that start find a device whose memory fails."""


class Properties:
    """As torch.cuda.get_device_properties has them."""

    name = "simulated device"
    total_memory = MEMORY
    uuid = "00000000-0000-0000-0000-000000000001"
    L2_cache_size = 1 << 20


def start() -> None:
    torch.ops.load_library(str(Path(__file__).with_name("device.so")))
    if Path(__file__).with_name(SICK).exists():
        torch.ops.sim.decay()
    torch.utils.rename_privateuse1_backend("sim")
    module: Any = ModuleType("torch.sim")
    module.is_available = lambda: True
    module.device_count = lambda: 1
    module.current_device = lambda: 0
    module.get_device_properties = lambda _device=0: Properties()
    module._is_in_bad_fork = lambda: False
    module.manual_seed_all = lambda _seed: None
    module.get_rng_state = lambda _device=0: torch.get_rng_state()
    torch._register_device_module("sim", module)
    torch.utils.generate_methods_for_privateuse1_backend()
