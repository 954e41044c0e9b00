"""Boxes as pods of a Kubernetes cluster, of which this room asks as little as it can.

`place` and `pod` say what a box is there, `pods` makes and follows it, `fates` says what became of it. `framing` and
`exec_stream` carry the runner's protocol over an exec websocket of `cluster`; `entering` is how a host gets to the
runner, with what `nature` finds inside. `bringing` is how an image without Python gets one, `runner_maps` where
that and the runner lie. `proving` tries whether the cluster's walls hold, `proof` judges. `backend`
puts them together. Importing this package costs nothing: the kubernetes client is imported when a backend first speaks
to a cluster.
"""

from .place import Place, Toleration

__all__ = ["Place", "Toleration"]
