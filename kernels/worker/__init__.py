"""What runs in boxes: our loader around a task's reference, and another around a candidate. Standard library, torch.

Nothing else of ours is there but the few modules that `kernels.package` names. What these programs say is worth as much
as the process that says it: a candidate's is hostile, whoever wrote the loader, so nothing they send is a verdict and
everything is read by `kernels.messages` and `kernels.forms`.
"""
