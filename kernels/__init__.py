"""Is this kernel right, real and faster? The verification lane for kernels, so far for candidates that run on a CPU.

`broker.Broker` puts a task (`task`) and a candidate (`candidate`) to two workers (`worker/`, each in a box of its own,
talked to through `hosting`), judges what they answer (`judging`, `comparing`) and gives a verdict (`verdicts`). The
broker has no torch and executes nothing of either. The room may import `sandboxes.contract`, nothing else of ours. Not
built: compiling, GPUs, gradients, torch.compile as a baseline; docs/kernels.md says what is.
"""
