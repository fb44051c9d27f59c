"""The adapter package: one LoRA or DoRA adapter as three canonical files, readable by PEFT."""

from r3mes_ray.models.adapters.check import check_against_base
from r3mes_ray.models.adapters.gradient_package import GradientPackage, read_gradient_package
from r3mes_ray.models.adapters.manifest import AggregateOrigin, Exclusion, Manifest, UpdateOrigin
from r3mes_ray.models.adapters.modules import ModuleAdapter, modules_of
from r3mes_ray.models.adapters.package import (
    AdapterPackage,
    gradient_hash_of,
    make_package,
    read_package,
    write_package,
)

__all__ = [
    "AdapterPackage",
    "AggregateOrigin",
    "Exclusion",
    "GradientPackage",
    "Manifest",
    "ModuleAdapter",
    "UpdateOrigin",
    "check_against_base",
    "gradient_hash_of",
    "make_package",
    "modules_of",
    "read_gradient_package",
    "read_package",
    "write_package",
]
