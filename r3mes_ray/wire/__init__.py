"""The wire: Python generated from `proto/` by `make proto`. Never edit below this folder."""
