"""Many adapters on one base at a time: every row of a batch has its own, or none.

A layer with adapter gives g ⊙ (W·Q(x)) + bias + (g ⊙ sB)(A x): the base's product is computed once for all rows, the
adapter sees the activation before it is rounded, and g is computed once, when the adapter is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter, check_against_base
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.bitnet import BitLinear, ternary_product
from r3mes_ray.models.dora import sum_dtype
from r3mes_ray.models.gains import GainCache

BASE = -1
"""Slot of a row without adapter."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """One layer's adapter: a (rank, in), b (rank, out) with scale and gain in it, gain (out,) or None for LoRA."""

    a: Tensor
    b: Tensor
    gain: Tensor | None

    @property
    def nbytes(self) -> int:
        return self.a.nbytes + self.b.nbytes + (0 if self.gain is None else self.gain.nbytes)


@dataclass(frozen=True, slots=True)
class PreparedExpert:
    """An adapter as a slot needs it: gains computed, factors on the base's device."""

    layers: dict[str, _Loaded]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in a slot."""
        return sum(layer.nbytes for layer in self.layers.values())


@dataclass(slots=True)
class _Plan:
    """Which slot each row of the running batch has, and what a layer computed for that once."""

    slots: tuple[int, ...]
    stacks: dict[str, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)


class ExpertLinear(BitLinear):
    """A ternary layer that asks its bank which adapter each row of the batch has."""

    bank: ExpertBank
    name: str

    def forward(self, input: Tensor) -> Tensor:
        """(rows, tokens, in) to (rows, tokens, out)."""
        slots = self.bank.active
        if all(slot == BASE for slot in slots):
            return super().forward(input)
        if len(slots) != input.shape[0]:
            raise InvalidInput("batch", f"has {input.shape[0]} rows, slots were given for {len(slots)}")
        product = ternary_product(input, self.codes, self.scale)
        adapted = self._one(product, input, slots[0]) if len(set(slots)) == 1 else self._mixed(product, input)
        return adapted if self.bias is None else adapted + self.bias

    def _one(self, product: Tensor, input: Tensor, slot: int) -> Tensor:
        """All rows have the adapter of one slot."""
        loaded = self.bank.loaded(slot, self.name)
        if loaded is None:
            return product
        if loaded.gain is not None:
            product.mul_(loaded.gain)
        wide = sum_dtype(input)
        delta = (input.to(wide) @ loaded.a.t().to(wide)) @ loaded.b.to(wide)
        return product.add_(delta.to(input.dtype))

    def _mixed(self, product: Tensor, input: Tensor) -> Tensor:
        """Each row its own: three batched operations, whatever the number of adapters."""
        gains, low, high = self.bank.stack(self)
        delta = torch.bmm(torch.bmm(input.to(low.dtype), low), high)
        return product.mul_(gains).add_(delta.to(input.dtype))


class ExpertBank:
    """The adapters that a base holds ready, in numbered slots. Used by one thread, but for `prepare`."""

    def __init__(self, base: BaseModel, slots: int, max_rank: int = 256, gains: GainCache | None = None) -> None:
        """Turn the base's layers into layers with slots; a base has one bank at most. `gains` keeps DoRA's gains."""
        self._base, self._max_rank = base, max_rank
        self._gains = gains or GainCache(base.base_hash)
        self._slots: list[dict[str, _Loaded] | None] = [None] * slots
        self._shapes = base.linear_shapes
        self._plan = _Plan(())
        self._active: tuple[int, ...] = ()
        for name in self._shapes:
            layer = base.linear(name)
            if isinstance(layer, ExpertLinear):
                raise InvalidInput("base", "has a bank of experts already")
            layer.__class__ = ExpertLinear
            layer.__dict__ |= {"bank": self, "name": name}

    def close(self) -> None:
        """Give the base its own layers back; the bank is of no use afterwards."""
        for name in self._shapes:
            layer = self._base.linear(name)
            layer.__class__ = BitLinear
            del layer.__dict__["bank"], layer.__dict__["name"]

    @property
    def active(self) -> tuple[int, ...]:
        """Slots of the rows of the running batch; empty outside of `use`."""
        return self._active

    def load(self, slot: int, package: AdapterPackage) -> None:
        """`prepare` and `place`.

        Raises:
            PackageRejected: it does not fit the base.
            InvalidInput: there is no such slot.
        """
        self._check(slot)
        self.place(slot, self.prepare(package))

    def prepare(self, package: AdapterPackage) -> PreparedExpert:
        """Compute all that a slot needs: a DoRA takes a product W·Aᵀ a layer, once. Runs beside the bank's thread.

        Raises:
            PackageRejected: it does not fit the base.
        """
        check_against_base(package, self._shapes, self._base.base_hash, self._max_rank)
        modules = package.modules()
        # In float64 on the CPU, whatever the device: the same gains everywhere.
        gains = self._gains.of(package.manifest.gradient_hash, modules, self._base.effective_weight)
        loaded = {name: self._load(name, module, gains.get(name)) for name, module in modules.items()}
        return PreparedExpert(loaded)

    def _load(self, name: str, module: ModuleAdapter, gain: Tensor | None) -> _Loaded:
        like = self._base.linear(name).codes
        high = module.b.double() * module.scale
        if gain is not None:
            high = gain[:, None] * high
        kept = None if gain is None else gain.to(like)
        return _Loaded(module.a.contiguous().to(like), high.t().contiguous().to(like), kept)

    def place(self, slot: int, expert: PreparedExpert) -> None:
        """Put a prepared adapter into a slot, in place of what is there; costs nothing.

        Raises:
            InvalidInput: there is no such slot.
        """
        self._check(slot)
        self._slots[slot] = expert.layers
        self._plan = _Plan(())

    def unload(self, slot: int) -> None:
        """Empty a slot; emptying an empty one does nothing."""
        self._check(slot)
        self._slots[slot] = None
        self._plan = _Plan(())

    @contextmanager
    def use(self, rows: Sequence[int] | Tensor) -> Iterator[None]:
        """Run the model with row i of the batch on the adapter of slot `rows[i]`, -1 for none.

        Raises:
            InvalidInput: a row names a slot that is empty or not there.
        """
        slots = tuple(int(row) for row in rows)
        for slot in set(slots) - {BASE}:
            self._check(slot)
            if self._slots[slot] is None:
                raise InvalidInput("slot", f"{slot} is empty")
        if slots != self._plan.slots:
            self._plan = _Plan(slots)
        self._active = slots
        try:
            yield
        finally:
            self._active = ()

    def loaded(self, slot: int, name: str) -> _Loaded | None:
        """The adapter of a slot for one layer; none where the adapter leaves the layer alone."""
        adapters = None if slot == BASE else self._slots[slot]
        return None if adapters is None else adapters.get(name)

    def stack(self, layer: ExpertLinear) -> tuple[Tensor, Tensor, Tensor]:
        """Per row, padded to the highest rank: gains (rows, 1, out), A (rows, in, rank), B (rows, rank, out)."""
        found = self._plan.stacks.get(layer.name)
        if found is None:
            found = self._plan.stacks[layer.name] = self._gather(layer)
        return found

    def _gather(self, layer: ExpertLinear) -> tuple[Tensor, Tensor, Tensor]:
        adapters = [self.loaded(slot, layer.name) for slot in self._plan.slots]
        rank = max((len(adapter.a) for adapter in adapters if adapter is not None), default=0)
        rows, weight = len(adapters), layer.codes
        gains = weight.new_ones(rows, 1, weight.shape[0])
        low = weight.new_zeros(rows, weight.shape[1], rank, dtype=sum_dtype(weight))
        high = low.new_zeros(rows, rank, weight.shape[0])
        for row, adapter in enumerate(adapters):
            if adapter is not None:
                own = len(adapter.a)
                low[row, :, :own], high[row, :own] = adapter.a.t(), adapter.b
                if adapter.gain is not None:
                    gains[row, 0] = adapter.gain
        return gains, low, high

    def _check(self, slot: int) -> None:
        if not 0 <= slot < len(self._slots):
            raise InvalidInput("slot", f"{slot} is not between 0 and {len(self._slots) - 1}")
