"""An operator's commands, and packages that are not what they should be, on an application that answers meanwhile."""

import json
import threading
from contextlib import contextmanager

import httpx
import pytest

from r3mes_ray.cli.main import execute

pytestmark = pytest.mark.ray

LONG = {"max_tokens": 900, "temperature": 2.0, "seed": 3}


@pytest.fixture
def adapter(node, capsys):
    """Run `r3mes adapter …` on the node's home, in this process."""

    def call(*arguments):
        code = execute(["adapter", *map(str, arguments), "--home", str(node.home), "--json"])
        out = capsys.readouterr().out
        assert code == 0, out
        return json.loads(out)

    return call


def version(node, **fields):
    answer = node.ask(model="optics", **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["r3mes"]["version"]


@contextmanager
def long_answer(node):
    """A request for the expert that runs while the block does; yields what its record says in the end."""
    ended, begun = {}, threading.Event()

    def run():
        with httpx.Client() as client, node.stream(client, model="optics", **LONG) as response:
            for line in response.iter_lines():
                begun.set()
                if line.startswith("data: {"):
                    ended.update(json.loads(line.removeprefix("data: ")).get("r3mes") or {})

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(60)
    yield ended
    assert thread.is_alive(), "the long answer was to overlap the switch"
    thread.join(120)


@contextmanager
def traffic(node):
    """Short requests for the expert, one after the other, while the block runs; yields (status, version) of all."""
    answers, ended = [], threading.Event()

    def run():
        while not ended.is_set():
            answer = node.ask(model="optics", max_tokens=2)
            answers.append((answer.status_code, answer.json().get("r3mes", {}).get("version")))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join(120)


def test_rollback_and_follow_switch_at_once_and_a_running_request_ends_on_its_version(node, adapter):
    node.finalise("optics", node.publish("optics", 2))
    node.until(lambda: version(node) == 2, "version 2 answers")
    with long_answer(node) as ended:
        assert adapter("rollback", "optics") == {"expert": "optics", "held": 1}
        node.until(lambda: version(node) == 1, "version 1 answers again")
    assert ended["version"] == 2
    adapter("follow", "optics")
    node.until(lambda: version(node) == 2, "the chain's version answers again")


def test_imported_version_answers_by_number_as_canary_and_when_it_is_held(node, adapter):
    assert adapter("import", node.package("optics", 90))["adapter"] == "optics@90"
    node.until(lambda: "optics@90" in node.models(), "the imported version is listed")
    assert (version(node), node.ask(model="optics@90").json()["r3mes"]["version"]) == (2, 90)
    adapter("canary", "optics", 90, "--share", "1.0")
    node.until(lambda: version(node) == 90, "the canary answers")
    adapter("canary", "optics", 90, "--share", "0")
    node.until(lambda: version(node) == 2, "the canary answers no more")
    adapter("rollback", "optics", "--to", 90)
    node.until(lambda: version(node) == 90, "the imported version is held")
    assert adapter("list")[1]["held"] == 90
    adapter("follow", "optics")
    node.until(lambda: version(node) == 2, "the chain's version answers again")


def test_import_of_another_bases_adapter_never_replaces_a_good_one(node, adapter):
    adapter("import", node.package("optics", 80, base_hash="ab" * 32))
    with traffic(node) as answers:
        adapter("rollback", "optics", "--to", 80)
        node.until(lambda: "expert optics@80" in node.parts(), "the refusal is told")
    assert "is of base abab" in node.parts()["expert optics@80"]["detail"]
    assert set(answers) == {(200, 2)}
    adapter("follow", "optics")


def test_publish_makes_no_version_and_the_chain_can_name_it(node, adapter):
    published = adapter("publish", node.package("optics", 3))
    assert "optics@3" not in node.models()
    assert node.finalise("optics", published["cid"]) == 3
    node.until(lambda: version(node) == 3, "the published package is the chain's next version")
    adapter("export", "optics@3", node.home / "exported")
    assert node.add(node.home / "exported") == published["cid"]


def test_pins_and_preloads_are_back_on_an_engine_that_starts_later(node, adapter):
    import ray

    adapter("pin", "optics")
    adapter("preload", "optics", 1)
    node.until(lambda: node.cached("pinned") == 1.0, "the expert is pinned")
    names = ray.util.list_named_actors(all_namespaces=True)
    (engine,) = (one["name"] for one in names if one["name"].startswith("SERVE_REPLICA::r3mes#engine#"))
    ray.kill(ray.get_actor(engine, namespace="serve"))
    node.until(lambda: node.cached("pinned") is None or node.cached("pinned") == 0.0, "the replica is gone", 60)
    node.until(lambda: (node.cached("pinned"), node.cached("resident")) == (1.0, 2.0), "another one holds both", 120)
    assert version(node) == 3


def edited(folder, change):
    """The folder with other tensors in it."""
    path = folder / "adapter_model.safetensors"
    path.write_bytes(change(path.read_bytes()))
    return folder


def flipped(data):
    return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]


BAD = {
    "base": ("is of base abab", lambda node, n: node.publish("optics", n, base_hash="ab" * 32)),
    "rank": ("is above 256", lambda node, n: node.publish("optics", n, rank=257)),
    "expert": ("the package is legal@", lambda node, n: node.add(node.package("legal", n))),
    "dtype": ("is none of F32", lambda node, n: node.add(edited(node.package("optics", n), retyped))),
    "truncated": ("bytes of data", lambda node, n: node.add(edited(node.package("optics", n), lambda d: d[:-100]))),
    "tampered": ("gradient-hash", lambda node, n: node.add(edited(node.package("optics", n), flipped))),
    "damaged": ("", lambda node, n: damaged_in_the_store(node, node.publish("optics", n))),
    "missing": ("", lambda node, n: forgotten_by_the_store(node, node.publish("optics", n))),
}


def retyped(data):
    return data.replace(b'"dtype":"F32"', b'"dtype":"F64"')


def blocks_of(node, cid):
    """The files of the store with a block of this package that no other one has, largest first."""
    newest = sorted((node.home / "content" / "blocks").glob("*/*"), key=lambda path: path.stat().st_mtime_ns)[-3:]
    return sorted(newest, key=lambda path: path.stat().st_size, reverse=True)


def damaged_in_the_store(node, cid):
    block = blocks_of(node, cid)[0]
    block.chmod(0o644)
    block.write_bytes(flipped(block.read_bytes()))
    return cid


def forgotten_by_the_store(node, cid):
    blocks_of(node, cid)[0].unlink()
    return cid


def test_bad_packages_are_refused_one_by_one_while_traffic_goes_on(node):
    with traffic(node) as answers:
        for kind, (reason, publish) in BAD.items():
            number = node.chain.experts["optics"].version + 1
            assert node.finalise("optics", publish(node, number)) == number
            name = f"expert optics@{number}"
            node.until(lambda name=name: name in node.parts(), f"the {kind} one is refused", 60)
            assert reason in node.parts()[name]["detail"], kind
            asked = node.ask(model=f"optics@{number}")
            assert (asked.status_code, asked.json()["error"]["type"]) == (503, "server_error"), kind
        count = len(answers)
        assert set(answers) == {(200, 3)}
        good = node.finalise("optics", node.publish("optics", node.chain.experts["optics"].version + 1))
        node.until(lambda: version(node) == good, "a good version is served after all")
    assert count > len(BAD), "requests were answered all the while"
    assert {status for status, _ in answers} == {200}
