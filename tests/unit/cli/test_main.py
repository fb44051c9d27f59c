import json

import pytest

from r3mes_ray.cli.context import clean_output, emit, enter, split_globals
from r3mes_ray.cli.main import GROUPS, execute
from r3mes_ray.errors import ConfigError


@pytest.mark.parametrize(
    "arguments",
    [
        ["--home", "H", "--json", "cid", "FILE"],
        ["cid", "FILE", "--json", "--home", "H"],
        ["--json", "cid", "--home=H", "FILE"],
    ],
)
def test_global_options_work_before_and_after_the_command(tmp_path, arguments):
    home = tmp_path / "home"
    context, rest = split_globals(
        [part.replace("H", str(home)) if part in ("H", "--home=H") else part for part in arguments]
    )
    assert (context.settings.home, context.json, rest) == (home, True, ["cid", "FILE"])


def test_global_options_after_a_double_dash_belong_to_the_command(tmp_path):
    context, rest = split_globals(["--home", str(tmp_path), "chat", "--", "--json"])
    assert (context.json, rest) == (False, ["chat", "--", "--json"])


def test_global_option_without_its_value_is_refused():
    with pytest.raises(ConfigError, match="--home: needs a value"):
        split_globals(["status", "--home"])


def test_config_file_is_read_and_the_home_on_the_command_line_wins(tmp_path):
    config = tmp_path / "other.yaml"
    config.write_text("home: /elsewhere\nserving: {port: 8123}\n")
    context, _ = split_globals(["--home", str(tmp_path), "--config", str(config)])
    assert (context.settings.home, context.settings.serving.port) == (tmp_path, 8123)


def test_unknown_command_suggests_the_nearest(capsys):
    assert execute(["stauts"]) == 2
    assert "did you mean 'status'" in capsys.readouterr().err


def test_help_names_every_command_without_importing_it(capsys):
    assert execute(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name}" in text for name in GROUPS)


def test_error_with_json_carries_the_next_step(tmp_path, capsys):
    assert execute(["status", "--home", str(tmp_path), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "NotRunning"
    assert "make up" in error["next_step"]


def test_wrong_usage_of_a_command_ends_with_code_two(tmp_path, capsys):
    assert execute(["cid", "--home", str(tmp_path)]) == 2
    assert "Missing argument" in capsys.readouterr().err


def test_json_output_is_kept_clean_of_what_libraries_print(tmp_path, capsys):
    context, _ = split_globals(["--home", str(tmp_path), "--json"])
    enter(context)
    with clean_output():
        print("a worker died")
        emit({"a": 1}, "one")
    said = capsys.readouterr()
    assert (json.loads(said.out), said.err) == ({"a": 1}, "a worker died\n")
