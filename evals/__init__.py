"""The measures anyone can repeat: the intake beside Probot, and what a step of the agent loop costs.

Each is a program (`python -m evals.intake`, `python -m evals.agent_loop`) that prints a table, or JSON with `--json`.
"""
