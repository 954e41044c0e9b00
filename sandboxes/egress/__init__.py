"""The way out of a box, on the host's side: which destinations it may reach, and the carrying of what it may.

A box has no network at all; what connects to the port on its loopback comes here as an HTTP proxy's client, over the
runner's channel. Names are resolved here, so that the box needs no DNS, and only public addresses are dialled unless
the operator named a private network. There is no way around it, because there is no other way out.
"""

from .policy import Policy, Refusal
from .tunnel import PORT, Tunnel

__all__ = ["PORT", "Policy", "Refusal", "Tunnel"]
