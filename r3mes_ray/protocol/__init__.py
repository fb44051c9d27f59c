"""The network's rules as pure functions: content identifiers, addresses, commitments, Merkle trees, hashes."""
