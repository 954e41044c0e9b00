"""Is this kernel right, real and faster? The verification lane for GPU kernels.

Empty in this release: the room is kept, nothing is claimed. It may import `sandboxes.contract`, nothing else of ours.
"""
