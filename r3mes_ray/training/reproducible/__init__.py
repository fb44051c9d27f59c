"""Linear algebra with the same bits on every machine: what a challenger recomputes has the proposer's CID.

Every reduction is a product of integers in float64 that stays below 2^53, so that any order, thread count, BLAS library
or accelerator gives the same sum (Ozaki et al., "Error-free transformations of matrix multiplication by using fast
routines of matrix multiplication", 2012). The rest is elementwise IEEE + − × ÷ √ in a fixed order, one operation a
call, so never fused.
"""

from r3mes_ray.training.reproducible.integer import Gemm, balanced, product, root, row_sums, uneven_row
from r3mes_ray.training.reproducible.truncation import truncate_reproducibly

__all__ = ["Gemm", "balanced", "product", "root", "row_sums", "truncate_reproducibly", "uneven_row"]
