"""Generated from proto/: remes.remes.v1."""
