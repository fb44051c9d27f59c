"""Commands that open rounds have one set of options for their phases."""

import typer
from typer.testing import CliRunner

from r3mes_ray.cli.phase_blocks import with_phase_blocks
from r3mes_ray.cli.propose import app as propose
from r3mes_ray.cli.round import app as rounds
from r3mes_ray.training.proposer.opening import PhaseBlocks

NAMES = {"--submit-blocks", "--commit-blocks", "--reveal-blocks", "--challenge-blocks"}


def options_of(app, *command):
    click = typer.main.get_command(app)
    for name in command:
        click = click.commands[name]
    return {option for parameter in click.params for option in parameter.opts}


def test_both_commands_that_open_rounds_have_every_option():
    assert NAMES | {"--expert", "--rounds"} <= options_of(propose)
    assert NAMES | {"--expert", "--limit"} <= options_of(rounds, "open")


def test_command_gets_its_phases_beside_what_else_it_takes():
    app, given = typer.Typer(), []

    @app.command()
    @with_phase_blocks
    def command(expert: str, *, blocks: PhaseBlocks) -> None:
        given.append((expert, blocks))

    assert CliRunner().invoke(app, ["python", "--submit-blocks", "3", "--challenge-blocks", "5"]).exit_code == 0
    assert CliRunner().invoke(app, ["python", "--reveal-blocks", "-1"]).exit_code == 2
    assert given == [("python", PhaseBlocks(submit=3, challenge=5))]
