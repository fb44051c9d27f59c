"""Generated from proto/: cosmos.tx.signing."""
