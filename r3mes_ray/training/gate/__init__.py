"""The gate before the rule: what an update must be, by itself and beside the others, to count at all."""
