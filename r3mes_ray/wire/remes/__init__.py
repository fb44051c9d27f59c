"""Generated from proto/: remes."""
