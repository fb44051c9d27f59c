"""Generated from proto/: cosmos.crypto.multisig."""
