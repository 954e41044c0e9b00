"""Records drawn as GitHub's JSON: one function a schema, each given a `View` and a record.

What GitHub requires is always there; what is optional, when GitHub's own answers have it and our clients look at it.
The tests hold every drawing against GitHub's published schemas.
"""
