"""A cluster of two nodes on this machine until a line comes on standard input; says its address and the second raylet.

`ray start` cannot add a node to a cluster on loopback, Ray's own test cluster can.
"""

import json

from r3mes_ray.cluster import prepare
from r3mes_ray.settings import Settings

prepare(Settings())

from ray.cluster_utils import Cluster  # noqa: E402

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 10**8})
second = cluster.add_node(num_cpus=2, object_store_memory=10**8)
(raylet,) = second.all_processes["raylet"]
print(json.dumps({"address": cluster.address, "raylet": raylet.process.pid}), flush=True)
input()
