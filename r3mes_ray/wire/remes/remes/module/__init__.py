"""Generated from proto/: remes.remes.module."""
