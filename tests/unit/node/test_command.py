import pytest

from r3mes_ray.errors import CommandFailed
from r3mes_ray.node.command import Command


async def test_command_result_is_the_document_it_prints(tmp_path):
    file = tmp_path / "hello.txt"
    file.write_bytes(b"hello world\n")
    command = await Command.start("cid", "cid", str(file), home=tmp_path, say=lambda line: None)
    assert (await command.result())["cid"] == "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"


async def test_command_that_fails_gives_its_own_error(tmp_path):
    command = await Command.start("status", "status", home=tmp_path, say=lambda line: None)
    with pytest.raises(CommandFailed, match="no node of"):
        await command.result()


async def test_command_that_ends_without_the_awaited_line_is_an_error(tmp_path):
    command = await Command.start("status", "status", home=tmp_path, say=lambda line: None)
    with pytest.raises(CommandFailed, match="no node of"):
        await command.said("waiting")
