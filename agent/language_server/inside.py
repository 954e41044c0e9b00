"""The program in the box: one question in on standard input, one JSON document out. Standard library only, Python 3.9.

The server is trusted with nothing: it may hang, crash, flood or lie, and the answer is then a sentence under "trouble".
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from agent.language_server.protocol import (
    Json,
    Parser,
    Symbol,
    Trouble,
    column_of,
    diagnostics_of,
    frame,
    locations,
    path_in,
    symbols,
    units,
    uri_of,
)

FILE_LIMIT = 2 << 20
TEXT_LIMIT = 240
OUTLINED_FILES = 12
WALKED = 5_000
OPENED = 60
SERVERS = (
    # Languages' file endings with the protocol's name for them; programs to look for, the most able first.
    ({".py": "python", ".pyi": "python"},
     (("pyright-langserver", "--stdio"), ("basedpyright-langserver", "--stdio"), ("pylsp",),
      ("jedi-language-server",))),
    ({".ts": "typescript", ".tsx": "typescriptreact", ".mts": "typescript", ".cts": "typescript", ".js": "javascript",
      ".jsx": "javascriptreact", ".mjs": "javascript", ".cjs": "javascript"},
     (("typescript-language-server", "--stdio"),)),
    ({".go": "go"}, (("gopls",),)),
    ({".rs": "rust"}, (("rust-analyzer",),)),
    ({".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp", ".cxx": "cpp"}, (("clangd",),)),
)  # fmt: skip
OPTIONS = {"disableAutomaticTypingAcquisition": True}  # tsserver would fetch types from npm, and waits for a network


class Server:
    """A running server. Everything waits for the deadline at most."""

    def __init__(self, argv: list[str], root: str, deadline: float) -> None:
        self._root, self._deadline = root, deadline
        self._messages: queue.Queue[Any] = queue.Queue(maxsize=256)
        self._last = 0
        self._opened: dict[str, list[str]] = {}
        self.working: set[str] = set()
        self.seen_work = False
        self.published: dict[str, tuple[float, Any]] = {}
        self._over = threading.Event()
        try:
            self._process = subprocess.Popen(
                argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Trouble(f"it does not start: {error.strerror}") from None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        parser, stream = Parser(), self._process.stdout
        if stream is None:
            return
        try:
            while not self._over.is_set():
                data = os.read(stream.fileno(), 1 << 16)
                if not data:
                    self._put(Trouble("it ended"))
                    return
                for message in parser.feed(data):
                    self._put(message)
        except (Trouble, OSError, MemoryError) as trouble:
            self._put(trouble if isinstance(trouble, Trouble) else Trouble("it cannot be read"))

    def _put(self, message: Any) -> None:
        while not self._over.is_set():
            try:
                self._messages.put(message, timeout=0.2)
                return
            except queue.Full:
                continue

    def send(self, method: str, params: Any, request: bool = False) -> int:
        message: Json = {"jsonrpc": "2.0", "method": method, "params": params}
        if request:
            self._last += 1
            message["id"] = self._last
        self._write(message)
        return self._last

    def _write(self, message: Json) -> None:
        done: list[bool] = []
        stream = self._process.stdin
        if stream is None:
            return

        def write() -> None:
            try:
                stream.write(frame(message))
                stream.flush()
                done.append(True)
            except (OSError, ValueError):
                done.append(False)

        # A server that does not read would block this program for ever.
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(max(self._deadline - time.monotonic(), 0.0))
        if done != [True]:
            raise Trouble("it ended" if done else "it does not read what it is sent")

    def turn(self, until: float) -> Json | None:
        """Handles one message that arrives before `until`; None when none does. Trouble when the server is gone."""
        try:
            message = self._messages.get(timeout=max(min(until, self._deadline) - time.monotonic(), 0.001))
        except queue.Empty:
            return None
        if isinstance(message, Trouble):
            raise message
        self._handle(message)
        return message if isinstance(message, dict) else None

    def _handle(self, message: Json) -> None:
        method, params = message.get("method"), message.get("params")
        params = params if isinstance(params, dict) else {}
        if method and "id" in message:
            wanted = params.get("items")
            settings = wanted[:100] if method == "workspace/configuration" and isinstance(wanted, list) else None
            answer = None if settings is None else [None] * len(settings)
            self._write({"jsonrpc": "2.0", "id": message["id"], "result": answer})
        elif method == "textDocument/publishDiagnostics":
            path = path_in(self._root, params.get("uri"))
            if path is not None and (path in self.published or len(self.published) < 2_000):
                self.published[path] = (time.monotonic(), params.get("diagnostics"))
        elif method == "$/progress":
            value, token = params.get("value"), str(params.get("token"))[:200]
            if isinstance(value, dict) and len(self.working) < 1_000:
                self.seen_work = True
                (self.working.discard if value.get("kind") == "end" else self.working.add)(token)

    def ask(self, method: str, params: Json) -> Any:
        """The result of a request, asked again where the server says that its view has changed meanwhile."""
        while True:
            number_sent = self.send(method, params, request=True)
            while True:
                message = self.turn(self._deadline)
                if message is None:
                    raise Trouble("it did not answer in time")
                if message.get("id") == number_sent and "method" not in message:
                    break
            error = message.get("error")
            if not isinstance(error, dict):
                return message.get("result")
            if error.get("code") not in (-32801, -32802):  # content modified, server cancelled
                words = " ".join(str(error.get("message")).split())
                raise Trouble(f"it refused: {words[:160]}")
            self.idle(0.2)

    def idle(self, seconds: float) -> None:
        """Handles what comes for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < min(end, self._deadline):
            self.turn(end)

    def settle(self, patience: float) -> None:
        """Waits, for so long at most, for work the server has announced to end."""
        end = time.monotonic() + patience
        while (self.working or not self.seen_work) and time.monotonic() < min(end, self._deadline):
            self.turn(end)

    def know(self, path: str, patience: float) -> None:
        """Waits, for so long at most, until the server has said what it thinks of a file: then it knows the others."""
        end = time.monotonic() + patience
        while path not in self.published and time.monotonic() < min(end, self._deadline):
            self.turn(end)

    def start(self) -> None:
        here = uri_of(self._root)
        document: Json = {name: {} for name in ("references", "publishDiagnostics", "synchronization")}
        document.update({name: {"linkSupport": True} for name in ("definition", "implementation")})
        document["documentSymbol"] = {"hierarchicalDocumentSymbolSupport": True}
        workspace = {"configuration": True, "workspaceFolders": True}
        capabilities = {"textDocument": document, "workspace": workspace, "window": {"workDoneProgress": True}}
        client = {"processId": os.getpid(), "rootUri": here, "rootPath": self._root, "capabilities": capabilities}
        folders = [{"uri": here, "name": "work"}]
        self.ask("initialize", {**client, "workspaceFolders": folders, "initializationOptions": OPTIONS})
        self.send("initialized", {})

    def open(self, path: str, language: str) -> list[str]:
        """Tells the server of a file's content, once; its lines."""
        if path not in self._opened:
            text = read(os.path.join(self._root, path))
            uri = uri_of(os.path.join(self._root, path))
            document = {"uri": uri, "languageId": language, "version": 1, "text": text}
            self.send("textDocument/didOpen", {"textDocument": document})
            self._opened[path] = text.split("\n")
        return self._opened[path]

    def stop(self) -> None:
        """Ends it: in the protocol's words first, so that it can remove what it keeps in /tmp, then by force."""
        self._deadline = time.monotonic() + 1.0
        try:
            self.send("shutdown", None, request=True)
            self.send("exit", None)
            self._process.wait(1.0)
        except (Trouble, subprocess.TimeoutExpired):
            pass  # by force, then
        self._over.set()
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def read(path: str) -> str:
    """A file's text as it stands. Trouble for what is no usual file."""
    try:
        if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > FILE_LIMIT:
            raise Trouble(f"{os.path.basename(path)} is no file of at most {FILE_LIMIT >> 20} MiB")
        with open(path, encoding="utf-8", errors="replace", newline="") as stream:
            return stream.read(FILE_LIMIT)
    except OSError as error:
        raise Trouble(f"{os.path.basename(path)} cannot be read: {error.strerror}") from None


def server_for(path: str, root: str) -> tuple[str, list[str]]:
    """Name of the language and command of a server for a file's kind. Trouble when none is there."""
    ending = os.path.splitext(path)[1].lower()
    for endings, programs in SERVERS:
        if ending in endings:
            places = os.pathsep.join([os.environ.get("PATH", ""), root + "/node_modules/.bin", root + "/.venv/bin"])
            for argv in programs:
                program = shutil.which(argv[0], path=places)
                if program:
                    return endings[ending], [program, *argv[1:]]
            raise Trouble(f"there is no language server for {ending} files")
    raise Trouble(f"no language server is known for {ending or 'such'} files")


def answer(question: Json, root: str) -> Json:
    """The answer to one question: a dictionary for JSON. Trouble is an answer too."""
    begun = time.monotonic()
    found: Json = {"server": "", "places": [], "outside": 0, "left_out": 0, "diagnostics": [], "trouble": ""}
    server = None
    try:
        paths = question["paths"]
        language, argv = server_for(paths[0], root)
        found["server"] = os.path.basename(argv[0])
        if question["asked"] not in ("diagnostics", "outline"):
            position_of(question, root)  # what is not there is said before anything is started
        server = Server(argv, root, begun + question["seconds"])
        server.start()
        ways = {"diagnostics": diagnose, "outline": outline}
        ways.get(question["asked"], locate)(server, question, root, language, found)
    except Trouble as trouble:
        found["trouble"] = str(trouble)
    finally:
        if server is not None:
            server.stop()
    found["seconds"] = round(time.monotonic() - begun, 3)
    return found


def position_of(question: Json, root: str) -> Json:
    """Where the question's name stands on its line. Trouble when it does not."""
    path, line = question["paths"][0], question["line"]
    lines = read(os.path.join(root, path)).split("\n")
    if line > len(lines):
        raise Trouble(f"{path} has only {len(lines)} lines")
    column = column_of(lines[line - 1], question["name"])
    if column is None:
        raise Trouble(f"{question['name']} does not stand on line {line} of {path}")
    return {"line": line - 1, "character": units(lines[line - 1], column)}


def locate(server: Server, question: Json, root: str, language: str, found: Json) -> None:
    """Definition, implementation or references of a name on a line."""
    path = question["paths"][0]
    server.open(path, language)
    uri = uri_of(os.path.join(root, path))
    params: Json = {"textDocument": {"uri": uri}, "position": position_of(question, root)}
    if question["asked"] == "references":
        params["context"] = {"includeDeclaration": False}
    method = "textDocument/" + question["asked"]
    if question["asked"] != "definition":
        for other in mentioning(root, path, question["name"]):
            with contextlib.suppress(Trouble):
                server.open(other, server_for(other, root)[0])
        ready(server, path, question, found)
    places, outside = locations(root, server.ask(method, params))
    if not places and question["asked"] == "definition":
        ready(server, path, question, found)
        places, outside = locations(root, server.ask(method, params))
    found["outside"] = outside
    shown = places[: question["most"]]
    found["left_out"] = len(places) - len(shown)
    known: dict[str, tuple[list[str], list[Symbol]]] = {}
    for place, first, last in shown:
        if place not in known:
            known[place] = described(server, root, place, len(known) < OUTLINED_FILES)
        text, defined = known[place]
        if last > len(text):  # a file or line that is not there
            found["outside"] += 1
            continue
        around = [one for one in defined if one[2] <= first <= one[3]]
        exactly = [one for one in around if one[4] == first]
        one = exactly[-1] if exactly else around[-1] if around else None
        is_definition = question["asked"] != "references" and bool(exactly)
        found["places"].append({
            "path": place,
            "start_line": one[2] if is_definition and one else first,
            "end_line": one[3] if is_definition and one else last,
            "symbol": one[0] if one else "",
            "kind": one[1] if is_definition and one else "use",
            "text": text[first - 1].strip()[:TEXT_LIMIT],
        })  # fmt: skip


def mentioning(root: str, path: str, name: str) -> list[str]:
    """Files to open before uses are asked for: without a tsconfig.json, tsserver knows of no others than open ones.
    Those of JavaScript and TypeScript in which the name stands, a bounded number of them."""
    endings = SERVERS[1][0]
    folder = os.path.dirname(path)
    while os.path.splitext(path)[1].lower() in endings:
        if any(os.path.isfile(os.path.join(root, folder, one)) for one in ("tsconfig.json", "jsconfig.json")):
            return []
        if not folder:
            break
        folder = os.path.dirname(folder)
    else:
        return []
    last = re.split(r"\.|::|->", name)[-1]
    found: list[str] = []
    looked = 0
    for where, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if one not in ("node_modules", ".git", "dist", "build"))
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() not in endings or looked >= WALKED or len(found) >= OPENED:
                continue
            looked += 1
            other = os.path.relpath(os.path.join(where, file), root)
            with contextlib.suppress(Trouble):
                if other != path and last in read(os.path.join(root, other)):
                    found.append(other)
    return found


def ready(server: Server, path: str, question: Json, found: Json) -> None:
    """Asked at once, servers know of nothing but the open file: waits until they have read the others."""
    server.know(path, question["seconds"] * 0.6)
    if found["server"] in ("rust-analyzer", "gopls"):
        server.settle(question["seconds"] * 0.6)


def described(server: Server, root: str, path: str, ask: bool) -> tuple[list[str], list[Symbol]]:
    """A file's lines, none where there is no such file, and its definitions where they are asked for."""
    try:
        lines = read(os.path.join(root, path)).split("\n")
    except Trouble:
        return [], []
    try:
        server.open(path, server_for(path, root)[0])
        document = {"uri": uri_of(os.path.join(root, path))}
        return lines, symbols(server.ask("textDocument/documentSymbol", {"textDocument": document}) if ask else [])
    except Trouble:
        return lines, []


def outline(server: Server, question: Json, root: str, language: str, found: Json) -> None:
    """The definitions of a file."""
    path = question["paths"][0]
    lines = server.open(path, language)
    uri = uri_of(os.path.join(root, path))
    defined = symbols(server.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}}))
    found["left_out"] = max(len(defined) - question["most"], 0)
    for name, kind, first, last, named in defined[: question["most"]]:
        text = lines[named - 1].strip()[:TEXT_LIMIT] if named <= len(lines) else ""
        found["places"].append(
            {"path": path, "start_line": first, "end_line": last, "symbol": name, "kind": kind, "text": text}
        )


def diagnose(server: Server, question: Json, root: str, language: str, found: Json) -> None:
    """What the server finds wrong in files of one language."""
    wanted = []
    for path in question["paths"]:
        try:
            server.open(path, server_for(path, root)[0])
            wanted.append(path)
        except Trouble:
            continue
    if not wanted:
        raise Trouble("none of the files can be read")
    quiet = 1.0  # servers publish what they find in several goes
    while True:
        times = [server.published[path][0] for path in wanted if path in server.published]
        if len(times) == len(wanted) and time.monotonic() - max(times) > quiet and not server.working:
            break
        if server.turn(time.monotonic() + quiet) is None and time.monotonic() > server._deadline - 0.5:
            if not times:
                raise Trouble("it said nothing about the files in time")
            break
    for path in wanted:
        if path in server.published:
            found["diagnostics"] += diagnostics_of(path, server.published[path][1], question["most"])
    found["left_out"] = max(len(found["diagnostics"]) - question["most"], 0)
    found["diagnostics"] = found["diagnostics"][: question["most"]]


def main() -> None:
    question = json.load(sys.stdin)
    sys.stdout.write(json.dumps(answer(question, os.getcwd())))
    sys.stdout.flush()
    os._exit(0)  # threads may be waiting for a server that is gone


if __name__ == "__main__":
    main()
