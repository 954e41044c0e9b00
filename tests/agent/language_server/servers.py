"""Programs that pretend to be a language server, for a box; none of them is one."""

from __future__ import annotations

# Placed as `.venv/bin/gopls`: found for .go files, and nothing else asks it.
HEAD = "#!/usr/bin/env python3\nimport json, os, sys, time\n"
SPEAK = (
    HEAD
    + """
def send(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    sys.stdout.buffer.flush()
def receive():
    size = 0
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit()
        if line == b"\\r\\n":
            return json.loads(sys.stdin.buffer.read(size))
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
def at(path, line):
    place = {"line": line, "character": 0}
    uri = path if ":" in path else "file://" + os.getcwd() + "/" + path
    return {"uri": uri, "range": {"start": place, "end": place}}
def serve(answers):
    while True:
        message = receive()
        method = message.get("method", "")
        if method == "textDocument/didOpen":
            params = {"uri": message["params"]["textDocument"]["uri"], "diagnostics": []}
            send({"method": "textDocument/publishDiagnostics", "params": params})
        elif "id" in message and method:
            send({"id": message["id"], **answers.get(method, {"result": {}})})
"""
)
HONEST = SPEAK + 'serve({"textDocument/definition": {"result": at("b.go", 1)}})\n'
LIES = (
    SPEAK
    + """
places = [at("../../etc/passwd", 1), at("file:///etc/passwd", 1), at("/etc/passwd", 1), at("gone.go", 9_000_000),
    at("b.go", -3), at("b.go", 1), {"uri": 3}, "x", {"uri": "file:///work/b.go", "range": [1]}]
symbols = [{"name": "x" * 10000, "kind": 12, "range": {"start": {"line": -1}}}, 4]
serve({"textDocument/definition": {"result": places}, "textDocument/documentSymbol": {"result": symbols}})
"""
)
REFUSES = SPEAK + 'serve({"textDocument/definition": {"error": {"code": -1, "message": "not\\x1b[31m today"}}})\n'
HANGS = HEAD + "time.sleep(600)\n"
CRASHES = HEAD + "sys.stdin.buffer.read(20); os._exit(3)\n"
FLOODS = HEAD + "os.write(1, b'Content-Length: 16000000\\r\\n\\r\\n')\nwhile True: os.write(1, b'x' * 65536)\n"
BABBLES = HEAD + "while True: os.write(1, b'no protocol of yours ' * 3000)\n"
ENDLESS = (
    SPEAK
    + """
while True:
    receive()
    for _ in range(100000):
        send({"method": "$/progress", "params": {"token": os.urandom(8).hex(), "value": {"kind": "begin"}}})
"""
)
FORKS = (
    HEAD + "if os.fork() == 0:\n    os.setsid()\n    open('/tmp/alive', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
)
