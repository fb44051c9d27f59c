"""`r3mes up` and `r3mes status`."""

from __future__ import annotations

import asyncio
import signal

import typer

from r3mes_ray.cli.context import current, emit, progress, run
from r3mes_ray.node.record import NodeRecord, running_record

app = typer.Typer()


@app.command()
def up() -> None:
    """Start chain, content, Ray and serving on this machine; Ctrl-C drains and stops them."""
    run(_up())


@app.command()
def status() -> None:
    """Say what runs, and where."""
    record = running_record(current().settings.home)
    emit(record, describe(record))


async def _up() -> None:
    from r3mes_ray.node.up import Node

    stop = stop_on_signals()
    node = Node(current().settings, say)
    starting = asyncio.ensure_future(node.start())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return
    record = starting.result()
    emit(record, describe(record) + "\nCtrl-C drains and stops everything.")
    await stopping
    await node.stop()
    say("stopped")


def say(text: str) -> None:
    """Print a line of progress to standard error."""
    progress.print(text, markup=False, soft_wrap=True)


def stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set; a second one interrupts as usual."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    return stop


def describe(record: NodeRecord) -> str:
    """Where the parts of a node are, as a person reads it."""
    return "\n".join(
        (
            f"gateway      {record.gateway}  (OpenAI API at {record.gateway}/v1)",
            f"dashboard    {record.dashboard}  (Ray)",
            f"chain        {record.grpc_address}  (gRPC, chain {record.chain_id}); CometBFT RPC at {record.rpc_url}",
            f"Ray address  {record.ray_address}",
        )
    )
