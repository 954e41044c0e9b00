"""Task ids: fourteen hexadecimal digits, sortable by second, safe in branch names and URLs."""

import secrets


def new_task_id(now: float) -> str:
    return f"{int(now) & 0xFFFFFFFF:08x}{secrets.token_hex(3)}"
