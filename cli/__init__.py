"""The program `forgehand`: one module a command, each wiring settings to the rooms.

Exit status 0: did it and the answer is yes. 1: did it and the answer is no. 2: could not do it, with one line saying
what to do. With `--json`, exactly one JSON document goes to standard output and everything else to standard error.
"""
