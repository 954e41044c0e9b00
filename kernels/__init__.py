"""Is this kernel right, real and faster? The verification lane for GPU kernels.

Begun: what decides is here and pure (`tensors`, `messages`, `seeds`, `comparing`, `statistics`, `roofline`,
`verdicts`); the workers and the broker that use it are not, so nothing is verified yet and no command claims to. The
room may import `sandboxes.contract`, nothing else of ours.
"""
