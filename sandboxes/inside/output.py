"""What is kept of a command's output: its head and its tail, within a limit."""

from __future__ import annotations


class HeadTail:
    """Takes any amount of bytes and keeps at most `limit`, half from the start and half from the end."""

    def __init__(self, limit: int) -> None:
        self.total = 0
        self._limit = limit
        self._head_limit = limit // 2
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        keep = self._limit - self._head_limit
        if len(data) >= keep:
            self._tail[:] = data[len(data) - keep :]
        else:
            self._tail += data
            # Trimmed only at double size, so that small writes cost no copy of the whole tail each.
            if len(self._tail) > 2 * keep:
                del self._tail[: len(self._tail) - keep]

    @property
    def truncated(self) -> bool:
        return self.total > self._limit

    def value(self) -> bytes:
        """Everything, or head, a line naming what was left out, and tail: never more than the limit."""
        if not self.truncated:
            return bytes(self._head + self._tail)
        # The marker's own room comes off the tail; its width is fixed by the largest number it could show.
        width = len(_marker(self.total))
        if width > self._limit - self._head_limit:
            return bytes(self._head)
        tail_size = self._limit - self._head_limit - width
        tail = self._tail[len(self._tail) - tail_size :] if tail_size else b""
        left_out = self.total - len(self._head) - tail_size
        return bytes(self._head) + _marker(left_out).rjust(width) + bytes(tail)


def _marker(count: int) -> bytes:
    return b"\n[... %d bytes left out ...]\n" % count
