"""Measures how fast a backend is, by its contract alone, and what stands beside it: bare Docker, and SWE-ReX.

Times are those of the caller, in one process, with nothing else asked of the machine. `measure` makes all of it.
"""

from .bench import Figures, measure
from .peers import Peers
from .spread import Spread, spread

__all__ = ["Figures", "Peers", "Spread", "measure", "spread"]
