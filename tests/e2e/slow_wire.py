"""Network namespaces on a wire that delays every packet, as not every kernel has netem. Needs root and tun devices."""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time
from pathlib import Path

NETWORK = "10.98.0"
_CLONE_NEWNET, _TUNSETIFF, _TUN_WITHOUT_HEADER = 0x40000000, 0x400454CA, 0x1001


class SlowWire:
    """`count` namespaces at 10.98.0.1, .2, …; a packet between two of them arrives `latency_s` after it was sent."""

    def __init__(self, count: int, latency_s: float) -> None:
        self.names = [f"r3w{number + 1}" for number in range(count)]
        self._latency_s = latency_s
        self._ends: dict[bytes, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self.packets = 0

    def __enter__(self) -> SlowWire:
        for number, name in enumerate(self.names, 1):
            subprocess.run(["ip", "netns", "add", name], check=True)
            self._ends[bytes([10, 98, 0, number])] = _tun_in(name)
            for command in (f"addr add {NETWORK}.{number}/24 dev tun0", "link set tun0 up", "link set lo up"):
                subprocess.run(["ip", "-n", name, *command.split()], check=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for end in self._ends.values():
            os.close(end)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)

    def command(self, number: int, *command: str) -> list[str]:
        """How to run a command in the namespace of an address."""
        return ["ip", "netns", "exec", self.names[number - 1], *command]

    def _carry(self) -> None:
        waiting: list[tuple[float, int, bytes]] = []
        ends = list(self._ends.values())
        while not self._stop.is_set():
            due = waiting[0][0] - time.monotonic() if waiting else 0.1
            for end in select.select(ends, [], [], min(max(due, 0), 0.1))[0]:
                packet = os.read(end, 2048)
                self.packets += 1
                heapq.heappush(waiting, (time.monotonic() + self._latency_s, self.packets, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                packet = heapq.heappop(waiting)[2]
                if packet[0] >> 4 == 4 and packet[16:20] in self._ends:
                    os.write(self._ends[packet[16:20]], packet)


def _tun_in(name: str) -> int:
    """A tun device in a namespace. A thread of its own enters it, and ends there."""
    made: list[int] = []

    def enter() -> None:
        space = os.open(Path("/run/netns", name), os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(space, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {name}")
        os.close(space)
        end = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", b"tun0", _TUN_WITHOUT_HEADER))
        made.append(end)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return made[0]
