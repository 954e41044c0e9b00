"""`forgehand eval`: the product measured against data of which the right answer is known."""

import typer

from evals import (
    asking_command,
    authors_command,
    kernelbench_command,
    localise_command,
    search_speed_command,
    tests_command,
    wiki_command,
)

app = typer.Typer(help="Measure the product against data of which the right answer is known.", no_args_is_help=True)


app.command("ask")(asking_command.command)
app.command("authors")(authors_command.command)
app.command("kernelbench")(kernelbench_command.command)
app.command("localise")(localise_command.command)
app.command("search-speed")(search_speed_command.command)
app.command("tests")(tests_command.command)
app.command("wiki")(wiki_command.command)


@app.callback()
def _all() -> None:
    """Measure the product against data of which the right answer is known."""
