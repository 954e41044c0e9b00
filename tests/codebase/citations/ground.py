"""A small tree and what of it an author was shown."""

from codebase.citations import Citation, Shown

SESSION = """\
import os

class Session:
    def close(self):
        if not self.open:
            return None
        self.socket.close()
        self.retries = 30

    def send(self, data):
        # Redis keeps "the last message" for three minutes
        return self.socket.send(data, timeout=1_000)

def parse(line):
    key, value = line.split("=", 1)
    return {"key": key}
"""
SECRETS = "TOKEN = 'abc'\n\ndef reveal():\n    return TOKEN\n"
FILES = {
    "src/session.py": SESSION.splitlines(),
    "src/secrets.py": SECRETS.splitlines(),
    "my file.py": ["answer = 42"],
    'it\'s "odd", really.py': ["odd = True"],
    "app/[id]/(group)/page.tsx": ["export function Page() {}"],
    "Makefile": ["check:", "\tpytest -q"],
    "long.py": [f"value = {number}" for number in range(200)],
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHOWN = Shown(
    [
        Citation("src/session.py", 1, 9),
        Citation("src/session.py", 10, 16),
        Citation("src/secrets.py", 1, 1),
        Citation("my file.py", 1, 1),
        Citation('it\'s "odd", really.py', 1, 1),
        Citation("app/[id]/(group)/page.tsx", 1, 1),
        Citation("Makefile", 1, 2),
        Citation("long.py", 1, 200),
    ],
    lambda path: FILES.get(path, []),
    commit=COMMIT,
)
