"""The program that runs inside every box: standard library only, importing nothing but its own modules.

The host packs these modules into one zip file and starts it with `python3 -I`; the host's own half imports `frames`
and `paths` from here, so that the wire format and the path rules are written once. docs/sandbox-protocol.md is the
protocol.

It runs on Python 3.9 and later, and starts in every box: `typing` is therefore never imported (18 ms of 44), and
`TYPE_CHECKING` is a constant of each module that type checkers take for the real one.
"""
