"""R3MES on Ray: a network that trains, aggregates and serves experts on a ternary base model."""

import os

# gRPC's fork handlers abort or hang the child of a process that also calls a chain, before the child can become another
# program; Ray starts its processes that way. gRPC reads this once, when it is first used.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
