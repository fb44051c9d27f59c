"""How often a faucet pays: each address once, and each source a few times, in one span of time."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

MAX_REMEMBERED = 100_000
"""More at a time are refused, rather than those before them forgotten."""


class Limit:
    """At most `count` uses of one name in `span_s` seconds; kept in memory, so a restart begins anew."""

    def __init__(self, count: int, span_s: float, clock: Callable[[], float]) -> None:
        self._count, self._span_s, self._clock = count, span_s, clock
        self._used: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """Seconds until a name may be used again; 0 when it may now."""
        self._forget()
        times = self._recent(name)
        if len(times) >= self._count:
            return times[0] + self._span_s - self._clock()
        return self._span_s if not times and len(self._used) >= MAX_REMEMBERED else 0.0

    def use(self, name: str) -> None:
        """Count one use."""
        self._used[name] = [*self._recent(name), self._clock()]
        self._used.move_to_end(name)

    def give_back(self, name: str) -> None:
        """Take the last use back: nothing came of it."""
        times = self._recent(name)[:-1]
        if times:
            self._used[name] = times
        else:
            self._used.pop(name, None)

    def _recent(self, name: str) -> list[float]:
        end = self._clock() - self._span_s
        return [moment for moment in self._used.get(name, ()) if moment > end]

    def _forget(self) -> None:
        """Drop names whose last use is over; they lie first, since every use puts its name last."""
        while self._used and not self._recent(first := next(iter(self._used))):
            del self._used[first]


def source_of(host: str) -> str:
    """Whom a connection counts for: an IPv4 address, or the /64 that an IPv6 address lies in."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)
