import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from r3mes_ray.cli.main import execute

RECORD = {
    "model_version": "tiny/optics@2",
    "expert": "optics",
    "version": 2,
    "adapter_cid": "bafy2",
    "route": {"how": "fusion", "scores": [{"expert": "optics", "score": 0.71, "keyword": 0.5, "similarity": 0.9}]},
    "passages": [{"document": "o.txt", "chunk": 3, "score": 0.8}],
    "timings": {},
}


def chunk(content=None, **fields):
    return {"choices": [{"delta": {"content": content}, "finish_reason": None}], **fields}


ANSWER = [chunk("Li"), chunk("ght"), chunk(r3mes=RECORD), {"choices": [], "usage": {"total_tokens": 9}}]


@pytest.fixture
def gateway():
    """A gateway that says what the test wants: (status, chunks or error)."""
    says = {"status": 200, "chunks": ANSWER}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            says["body"] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(says["status"])
            self.end_headers()
            if says["status"] != 200:
                self.wfile.write(json.dumps({"error": {"message": "no expert", "hint": "look at the list"}}).encode())
                return
            for event in says["chunks"]:
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    says["url"] = f"http://127.0.0.1:{server.server_address[1]}"
    yield says
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("flags", [[], ["--no-stream"]])
def test_chat_prints_the_answer_then_how_it_came_about(gateway, capsys, flags):
    assert execute(["chat", "why?", "--url", gateway["url"], "--expert", "optics", *flags]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Light",
        "",
        "route     optics by fusion (optics 0.71)",
        "passages  o.txt#3 (0.80)",
        "version   tiny/optics@2 bafy2",
    ]
    assert gateway["body"]["model"] == "optics"
    assert gateway["body"]["messages"] == [{"role": "user", "content": "why?"}]


def test_chat_json_is_one_document(gateway, capsys):
    assert execute(["chat", "why?", "--url", gateway["url"], "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["answer"], document["version"], document["usage"]) == ("Light", 2, {"total_tokens": 9})


def test_chat_refusal_shows_the_gateways_own_next_step(gateway, capsys):
    gateway["status"] = 404
    assert execute(["chat", "why?", "--url", gateway["url"]]) == 1
    error = capsys.readouterr().err
    assert "no expert" in error
    assert "look at the list" in error


def test_chat_error_in_the_stream_is_an_error(gateway, capsys):
    gateway["chunks"] = [chunk("Li"), {"error": {"message": "too slow"}}]
    assert execute(["chat", "why?", "--url", gateway["url"]]) == 1
    assert "too slow" in capsys.readouterr().err


def test_chat_without_a_gateway_says_how_to_start_one(capsys):
    assert execute(["chat", "why?", "--url", "http://127.0.0.1:9"]) == 1
    assert "r3mes serve" in capsys.readouterr().err
