"""Generated from proto/: cosmos.crypto.multisig.v1beta1."""
