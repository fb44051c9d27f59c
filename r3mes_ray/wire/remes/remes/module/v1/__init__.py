"""Generated from proto/: remes.remes.module.v1."""
