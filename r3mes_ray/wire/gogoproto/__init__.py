"""Generated from proto/: gogoproto."""
