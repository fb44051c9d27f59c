"""Adapters of a serving node: the tiered cache of an engine, the experts' versions, and what follows the chain."""
