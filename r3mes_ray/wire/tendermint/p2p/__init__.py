"""Generated from proto/: tendermint.p2p."""
