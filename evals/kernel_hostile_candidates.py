"""Candidates that harm: each is the body of `forward` or the head of a file, for a model that computes tanh(x) + x.

None of them is a kernel. They are what a verification must survive: `evals.kernel_hostile` runs them by the hundred.
"""

from __future__ import annotations

from collections.abc import Mapping

TASK = b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return torch.tanh(x) + x

def get_inputs():
    return [torch.randn(16, 33)]

def get_init_inputs():
    return []
"""

_AT_IMPORT: Mapping[str, str] = {
    "raises at import": "raise RuntimeError('on purpose')",
    "exits at import": "os._exit(0)",
    "sys.exit at import": "sys.exit(0)",
    "segfault at import": "import ctypes; ctypes.string_at(0)",
    "hangs at import": "while True: pass",
    "eats memory at import": "held = [bytearray(b'x') * (64 << 20) for _ in range(200)]",
    "kills its parent at import": "os.kill(os.getppid(), signal.SIGKILL); os.kill(-1, signal.SIGKILL)",
    "kills process 1 at import": "os.kill(1, signal.SIGKILL); os.kill(1, signal.SIGTERM)",
    "closes all descriptors at import": "os.closerange(0, 4096)",
    "floods standard error": "while True: os.write(2, b'FAILED\\n' * 9000)",
}

_IN_FORWARD: Mapping[str, str] = {
    "raises": "raise RuntimeError('on purpose')",
    "raises what nothing catches": "raise KeyboardInterrupt",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "aborts": "os.abort()",
    "exits as if all were well": "os._exit(0)",
    "waits for ever": "signal.pause()",
    "spins for ever": "while True: pass",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "stops its parent": "os.kill(os.getppid(), signal.SIGSTOP)",
    "ignores signals and hangs": "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 15)]; signal.pause()",
    "eats memory": "held = [torch.ones(16 << 20) for _ in range(400)]",
    "eats memory in children": """
        for _ in range(8):
            if os.fork() == 0:
                held = [bytearray(b'x') * (32 << 20) for _ in range(200)]
                os._exit(0)
        os.wait()""",
    "recurses": "return self.forward(x)",
    "forks without end": """
        while True:
            try:
                os.fork()
            except OSError:
                pass""",
    "leaves children behind": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    signal.pause()
            os._exit(0)
        os._exit(1)""",
    "starts a thousand threads": """
        import threading, time
        for _ in range(1000):
            threading.Thread(target=time.sleep, args=(10**6,)).start()""",
    "writes gigabytes": """
        for place in ('/tmp', '/work', '/dev/shm', os.path.expanduser('~')):
            with open(place + '/full', 'wb', buffering=0) as file:
                while True:
                    if not file.write(bytes(8 << 20)):
                        break""",
    "makes files without end": """
        number = 0
        while True:
            number += 1
            open(f'/tmp/{number}', 'wb').close()""",
    "opens descriptors without end": "held = [os.dup(0) for _ in range(10**9)]",
    "removes what it can": """
        import shutil
        for place in ('/tmp', '/work', '/home', '/dev/shm', '/run', '/'):
            shutil.rmtree(place, ignore_errors=True)
        raise RuntimeError('all gone')""",
    "closes the line": "os.closerange(3, 4096); return torch.tanh(x) + x",
    "hangs with the line in a child": """
        if os.fork() == 0:
            signal.pause()
        os._exit(0)""",
    "forges an answer": """
        answer = b'FHK1\\x03\\0\\0\\0' + bytes(16) + (15).to_bytes(4, 'big') + bytes(8) + b'{"tensors": []}'
        for number in range(3, 64):
            try:
                os.write(number, answer)
            except OSError:
                pass
        return torch.tanh(x) + x""",
    "writes noise into the line": """
        for number in range(3, 64):
            try:
                os.write(number, os.urandom(1 << 16))
            except OSError:
                pass
        return torch.tanh(x) + x""",
    "promises more than it sends": """
        begun = b'FHK1\\x03\\0\\0\\0' + bytes(16) + (2).to_bytes(4, 'big') + (1 << 20).to_bytes(8, 'big') + b'{}'
        for number in range(3, 64):
            try:
                os.write(number, begun)
            except OSError:
                pass
        os._exit(0)""",
    "promises a gigabyte and sends it": """
        answer = b'FHK1\\x03\\0\\0\\0' + bytes(16) + (2).to_bytes(4, 'big') + (1 << 30).to_bytes(8, 'big') + b'{}'
        for number in range(3, 64):
            try:
                os.write(number, answer)
                while True:
                    os.write(number, bytes(1 << 20))
            except OSError:
                pass
        os._exit(0)""",
    "answers with half a gigabyte": "return torch.zeros(1 << 27)",
    "answers with a tensor of a trillion elements": "return torch.zeros(1).expand(1 << 40)",
    "says that all is well": """
        print('PASSED', flush=True)
        os.write(2, b'{"verdict": "faster"}')
        os._exit(0)""",
    "replaces itself": "os.execv('/bin/true', ['/bin/true'])",
    "is simply wrong": "return torch.tanh(x)",
}
_HEAD = "import os, signal, sys\nimport torch\nimport torch.nn as nn\n"
_CLASS = "\nclass ModelNew(nn.Module):\n    def forward(self, x):\n        "


def candidates() -> dict[str, bytes]:
    """The text of each by its name."""
    found = {name: f"{_HEAD}{code}{_CLASS}return torch.tanh(x) + x\n" for name, code in _AT_IMPORT.items()}
    found |= {name: f"{_HEAD}{_CLASS}{code.strip()}\n" for name, code in _IN_FORWARD.items()}
    return {name: text.encode() for name, text in found.items()}
