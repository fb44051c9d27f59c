"""The predecessor's `GradientPackage` as an adapter package of ours.

Its message has tensors, no configuration: ranks and target modules follow from the tensors, the scaling does not, and
is in its metadata at best.
"""

from __future__ import annotations

import re
from collections import Counter

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.gradient_package import SUBJECT, GradientPackage
from r3mes_ray.models.adapters.manifest import UpdateOrigin
from r3mes_ray.models.adapters.modules import MAGNITUDE, PREFIX, A, canonical_names
from r3mes_ray.models.adapters.package import AdapterPackage, make_package
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.types import Address, RoundId

_ALPHA = "lora_alpha"


def package_of(
    message: GradientPackage, *, base_id: str, base_hash: str, expert: str, version: int, alpha: int | None
) -> AdapterPackage:
    """Give the tensors PEFT's names, and derive the configuration from them.

    Names may have PEFT's prefix, and the name `default` of an adapter that is loaded. The message's own hash is of
    another rule, and is not looked at.

    Raises:
        PackageRejected: a tensor is no part of a LoRA or DoRA, or nothing says what alpha is.
    """
    tensors = canonical_names(message.tensors)
    ranks = {
        name.removeprefix(PREFIX).removesuffix(A): int(tensor.shape[0])
        for name, tensor in tensors.items()
        if name.endswith(A)
    }
    if not ranks:
        raise PackageRejected("tensors", SUBJECT, "has no lora_A")
    rank = Counter(ranks.values()).most_common(1)[0][0]
    config = AdapterConfig(
        peft_type="LORA",
        r=rank,
        lora_alpha=_alpha(message, alpha),
        use_rslora=False,
        use_dora=any(name.endswith(MAGNITUDE) for name in tensors),
        target_modules=tuple(sorted(ranks)),
        rank_pattern={path: own for path, own in ranks.items() if own != rank},
        alpha_pattern={},
        base_hash=base_hash,
    )
    origin = UpdateOrigin(Address(message.miner or "unknown"), RoundId(message.round_id))
    return make_package(config, tensors, base_id=base_id, expert=expert, version=version, origin=origin)


def _alpha(message: GradientPackage, given: int | None) -> int:
    said = message.metadata.get(_ALPHA, "")
    if given is None and not re.fullmatch(r"[0-9]{1,9}", said):
        raise PackageRejected("config", SUBJECT, f"does not say what {_ALPHA} is; give it with --alpha")
    return int(said) if given is None else given
