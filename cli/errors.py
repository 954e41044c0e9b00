"""What a command says when it cannot be carried out."""


class CannotRun(Exception):
    """What could not be done, why, and what to do: one line for a person. The exit status is 2."""
