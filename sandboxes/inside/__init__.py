"""The program that runs inside every box: standard library only, importing nothing but its own modules.

The host packs these modules into one zip file and starts it with `python3 -I`; the host's own half imports `frames`
and `paths` from here, so that the wire format and the path rules are written once. docs/sandbox-protocol.md is the
protocol.
"""
