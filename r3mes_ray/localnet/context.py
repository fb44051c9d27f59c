"""What a transition may know besides the state: the chain's identity and the block that it runs in."""

from __future__ import annotations

from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp

from r3mes_ray.chain.base import Event
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.localnet.state import Overlay


@dataclass(frozen=True, slots=True)
class Identity:
    """What never changes in a chain's life."""

    chain_id: str
    prefix: str
    denom: str


@dataclass(frozen=True, slots=True)
class Context:
    """One transition's surroundings.

    Attributes:
        state: what it reads and writes.
        height: height of the block that it runs in.
        time_ns: that block's time, in Unix nanoseconds.
        events: what it tells the world, in order.
    """

    chain: Identity
    state: Overlay
    height: int
    time_ns: int
    events: list[Event] = field(default_factory=list)

    @property
    def parameters(self) -> Parameters:
        """The parameters that hold now."""
        return parameters_of(self.state)

    @property
    def time(self) -> Timestamp:
        """The block's time."""
        return timestamp(self.time_ns)

    def emit(self, kind: str, **attributes: object) -> None:
        """Add an event; values are written as text."""
        self.events.append(Event(kind, tuple((name, str(value)) for name, value in attributes.items())))

    def nested(self) -> Context:
        """The same block over an overlay of its own, with no events yet."""
        return Context(self.chain, Overlay(self.state), self.height, self.time_ns)

    def absorb(self, child: Context) -> None:
        """Take over what a nested context wrote and told."""
        self.state.absorb(child.state)
        self.events.extend(child.events)


def timestamp(time_ns: int) -> Timestamp:
    """Unix nanoseconds as a protobuf timestamp."""
    return Timestamp(seconds=time_ns // 10**9, nanos=time_ns % 10**9)
