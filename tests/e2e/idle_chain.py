"""`r3mes chain start` whose blocks come for transactions and as a rare heartbeat, but not for deadlines.

So a phase lasts for as long as a test needs on any machine; `Network.skip_to` ends it.
"""

from r3mes_ray.cli.main import main
from r3mes_ray.localnet.node import ChainNode

ChainNode.is_busy = property(lambda node: node.pending > 0)

if __name__ == "__main__":
    main()
