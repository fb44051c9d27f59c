"""Generated from proto/: cosmos.base.abci."""
