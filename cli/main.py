"""The `sluice` command."""

import typer

from cli import costs, keep, new, pipelines, restore, review, runs, sweep, thaw

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A governed Amazon SageMaker platform.")
app.add_typer(new.app, name="new")
app.add_typer(pipelines.app, name="pipelines")
app.command()(runs.runs)
app.command()(costs.costs)
app.command()(sweep.sweep)
app.command()(review.review)
app.command()(keep.keep)
app.command()(restore.restore)
app.command()(thaw.thaw)


if __name__ == "__main__":
    app(prog_name="sluice")
