"""Adaptive robust clipping (ARC), before a rule.

Source: Allouah et al., "Adaptive gradient clipping for robust federated learning" (ICLR 2025).
"""

from __future__ import annotations

from r3mes_ray.training.rules.geometry import Matrix, norms


def adaptive_clipping(gram: Matrix, faults: int) -> Matrix:
    """Rows that scale the ⌊2f(N − f)/N⌋ longest steps down to the longest of the others."""
    lengths = norms(gram)
    n = len(lengths)
    order = sorted(range(n), key=lambda index: (lengths[index], index))
    limit = lengths[order[n - 2 * faults * (n - faults) // n - 1]]
    factors = [1.0 if length <= limit else limit / length for length in lengths]
    return tuple(tuple(factors[i] if i == j else 0.0 for j in range(n)) for i in range(n))
