"""Is this kernel right, real and faster? The verification lane for kernels, whole for candidates that run
on a CPU; one that needs a GPU is checked as far as that goes without one (`without_gpu/`).

`broker.Broker` puts a task (`task`) and a candidate (`candidate`) to two workers (`worker/`, each in a box of its own,
talked to through `hosting`), judges what they answer (`judging`, `comparing`) and gives a verdict (`verdicts`). The
broker has no torch and executes nothing of either. The room may import `sandboxes.contract`, nothing else of ours.
docs/kernels.md says what is not there.
"""
