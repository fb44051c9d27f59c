"""Run by test_reproducible in processes of their own: prints a SHA-256 of aggregates, computed as the arguments say."""

import hashlib
import sys
from functools import partial

import numpy as np
import torch

from r3mes_ray.training.algebra import Algebra
from r3mes_ray.training.effects import Part
from r3mes_ray.training.exact import mean_of_module
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.reproducible import product, row_sums, truncate_reproducibly
from r3mes_ray.training.sketch import LayerSketches


def numpy_gemm(a, b):
    return torch.from_numpy(np.ascontiguousarray(a.numpy()) @ np.ascontiguousarray(b.numpy()))


def algebra_with(gemm):
    return Algebra(partial(product, gemm=gemm), row_sums, partial(truncate_reproducibly, gemm=gemm))


def hadamard(size):
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix


def normal(generator, *shape):
    """Like factors from a file: float32 values."""
    return torch.from_numpy(generator.standard_normal(shape).astype(np.float32)).double() * 0.05


def cases():
    """(name, base weight, parts) of LoRA, DoRA and mixed rounds, of a ternary and a dense base, and of crafted ties."""
    generator = np.random.Generator(np.random.Philox(5))
    ternary = torch.from_numpy(generator.integers(-1, 2, (192, 160)).astype(np.float32)) * 0.0371
    dense = normal(generator, 192, 160)
    for name, weight, dora in (("lora", ternary, "000"), ("dora", ternary, "111"), ("mixed", dense, "101")):
        parts = []
        for flag, rank in zip(dora, (8, 16, 4), strict=True):
            spread = 1 + normal(generator, 192)
            magnitude = weight.double().norm(dim=1).float().double() * spread if flag == "1" else None
            parts.append(Part(normal(generator, 192, rank), normal(generator, rank, 160), magnitude))
        yield name, weight, [*parts, None]
    wide = [Part(normal(generator, 600, 30), normal(generator, 30, 40)) for _ in range(3)]
    yield "wider than the layer", normal(generator, 600, 40), wide
    ties = hadamard(128)
    tied = Part(ties[:, :24].clone() * 0.01, ties[24:48].clone() * 0.01)
    same = Part(ties[:, :24].clone() * 0.01, ties[24:48].clone() * 0.01)
    honest = Part(normal(generator, 128, 16), normal(generator, 16, 128))
    yield "hadamard", torch.zeros(128, 128), [tied, same]
    yield "hadamard beside honest", torch.zeros(128, 128), [tied, honest]


def digest(algebra):
    found = hashlib.sha256()
    for _, weight, parts in cases():
        shares = [1 / len(parts)] * len(parts)
        dora = any(part is not None and part.magnitude is not None for part in parts)
        mean = mean_of_module(weight, parts, shares, rank=12, with_magnitude=dora, algebra=algebra)
        for tensor in (mean.b, mean.a, mean.magnitude, gram_of_layer(weight, parts, algebra)):
            found.update(b"" if tensor is None else tensor.contiguous().numpy().tobytes())
        sketches = LayerSketches("layer", weight, len(parts), algebra)
        gram_of_layer(weight, parts, algebra, show=sketches.add)
        found.update(sketches.found.numpy().tobytes())
        found.update(np.array([mean.kept_energy, mean.total_energy]).tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    print(digest(algebra_with(numpy_gemm if sys.argv[1] == "numpy" else torch.matmul)))
