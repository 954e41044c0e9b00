"""Answers of a real language server in the box, in navigation's shape.

`inside` is one program, standard library only, sent into the box with a question and gone with its answer: it starts
the server that is there, speaks the Language Server Protocol and bounds time, bytes and files. `asking` sends it and
trusts nothing that comes back. Where there is no server, or none that answers, the index answers instead.
"""

from agent.language_server.asking import Diagnostic, Found, LanguageServers, Trouble

__all__ = ["Diagnostic", "Found", "LanguageServers", "Trouble"]
