"""A peer that lies: `liar.py HOST PORT LOG` answers for every block and CAR with bytes of its own."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from r3mes_ray.content.car import car_header, car_section
from r3mes_ray.protocol.cid import parse_cid

host, port, log = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Liar(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(log, "a") as lines:
            lines.write(self.path + "\n")
        self.send_response(200)
        cid, lie = parse_cid(self.path.removeprefix("/ipfs/").partition("?")[0]), b"not what you asked for"
        car = "format=car" in self.path
        self.send_header("Content-Type", "application/vnd.ipld.car" if car else "application/vnd.ipld.raw")
        self.end_headers()
        self.wfile.write(car_header(cid) + car_section(cid, lie) if car else lie)

    def log_message(self, *arguments):
        pass


with ThreadingHTTPServer((host, port), Liar) as server:
    print("ready", flush=True)
    server.serve_forever()
