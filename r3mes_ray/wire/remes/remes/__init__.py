"""Generated from proto/: remes.remes."""
