"""Generated from proto/: cosmos.auth."""
