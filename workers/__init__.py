"""Moves a task from stage to stage: relay, doorbell, conductor, one module a stage, sweeper and poller.

Everything a worker does can be done again: it claims a task by lease, writes through its claim, and reaches the
outside world by deterministic keys. What a stage decides is a value (`Move` or `Wait`); the conductor carries it out.
"""
