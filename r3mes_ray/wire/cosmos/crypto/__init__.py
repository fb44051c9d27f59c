"""Generated from proto/: cosmos.crypto."""
