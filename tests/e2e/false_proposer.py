"""A proposer that publishes 1.5 times what the updates give: `false_proposer.py HOME ROUND`; prints its steps."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from r3mes_ray.chain import open_chain
from r3mes_ray.content import open_store
from r3mes_ray.models.base import load_base
from r3mes_ray.node.identity import ensure_key
from r3mes_ray.settings import load_settings
from r3mes_ray.training.proposer import assembly
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator

settings = load_settings(Path(sys.argv[1]), None)
write_honestly = assembly.write_aggregate


def write_tampered(aggregate, *arguments):
    tensors = {name: t * 1.5 if name.endswith("lora_B.weight") else t for name, t in aggregate.tensors.items()}
    write_honestly(replace(aggregate, tensors=tensors), *arguments)


def tell(event):
    if event.state == "begin":
        print(event.step, flush=True)


assembly.write_aggregate = write_tampered
ports = RoundPorts(
    settings,
    open_chain(settings, ensure_key(settings, "operator")),
    open_store(settings),
    lambda: load_base("tiny"),
    listen=tell,
)
asyncio.run(RoundCoordinator(ports).run(int(sys.argv[2])))
