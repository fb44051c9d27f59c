"""The address of a peer that hangs until it is opened: connections are taken, and passed on only then."""

import socket
import threading


class Gate:
    def __init__(self, target_port):
        self._target, self._opened = target_port, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def open(self):
        self._opened.set()

    def close(self):
        self._opened.clear()

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, connection):
        self._opened.wait()
        with connection, socket.create_connection(("127.0.0.1", self._target)) as target:
            back = threading.Thread(target=_pump, args=(target, connection), daemon=True)
            back.start()
            _pump(connection, target)
            back.join()


def _pump(source, sink):
    try:
        while part := source.recv(2**16):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
