"""Generated from proto/: cosmos."""
