"""Whether a package fits a base."""

from __future__ import annotations

from collections.abc import Mapping

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.package import AdapterPackage


def check_against_base(
    package: AdapterPackage, base_shapes: Mapping[str, tuple[int, int]], base_hash: str, max_rank: int
) -> None:
    """Refuse an adapter that was made for another base, or whose parts do not fit it.

    `base_shapes` has (out, in) of each layer that may have an adapter.

    Raises:
        PackageRejected: with the rule `base`, `target`, `shape`, `rank` or `magnitude`.
    """
    if package.config.base_hash != base_hash:
        raise PackageRejected(
            "base", package.manifest.base_id, f"is of base {package.config.base_hash}, not {base_hash}"
        )
    for name, module in package.modules().items():
        shape = base_shapes.get(name)
        if shape is None:
            raise PackageRejected("target", name, "the base has no such layer")
        if (module.b.shape[0], module.a.shape[1]) != shape:
            found = (module.b.shape[0], module.a.shape[1])
            raise PackageRejected("shape", name, f"the adapter is for {found}, the base's layer is {shape}")
        if module.rank > max_rank:
            raise PackageRejected("rank", name, f"{module.rank} is above {max_rank}")
        if module.magnitude is not None and not bool((module.magnitude > 0).all()):
            raise PackageRejected("magnitude", name, "is not positive everywhere")
