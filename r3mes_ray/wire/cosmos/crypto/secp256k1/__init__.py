"""Generated from proto/: cosmos.crypto.secp256k1."""
