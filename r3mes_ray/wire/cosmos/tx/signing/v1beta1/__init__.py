"""Generated from proto/: cosmos.tx.signing.v1beta1."""
