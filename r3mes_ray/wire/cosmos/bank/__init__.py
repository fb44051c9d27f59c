"""Generated from proto/: cosmos.bank."""
