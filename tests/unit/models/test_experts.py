"""The oracle is PEFT, one adapter at a time, in float64: no noise tips an activation over to another int8 step."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import PeftModel

from r3mes_ray.errors import InvalidInput, PackageRejected
from r3mes_ray.models.adapters import write_package
from r3mes_ray.models.experts import ExpertBank

TOKENS = torch.arange(3, 43).view(5, 8)


def peft_logits(base, package, folder, tokens):
    write_package(package, folder)
    model = PeftModel.from_pretrained(copy.deepcopy(base.model), folder).double().eval()
    with torch.no_grad():
        return model(input_ids=tokens).logits


@pytest.fixture
def base(base):
    base.model.double()
    return base


@pytest.fixture
def packages(adapter):
    return [adapter(1, 4), adapter(2, 8, dora=True), adapter(3, 2, dora=True), adapter(4, 5, rslora=True)]


def test_bank_mixed_batch_equals_peft_row_by_row(base, packages, tmp_path):
    expected = [peft_logits(base, p, tmp_path / str(i), TOKENS[i : i + 1]) for i, p in enumerate(packages)]
    with torch.no_grad():
        alone = base.model(input_ids=TOKENS[4:]).logits
    bank = ExpertBank(base, slots=4)
    for slot, package in enumerate(packages):
        bank.load(slot, package)
    with torch.no_grad(), bank.use((0, 1, 2, 3, -1)):
        mixed = base.model(input_ids=TOKENS).logits
    torch.testing.assert_close(mixed, torch.cat([*expected, alone]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("slot", [0, 1])
def test_bank_one_adapter_for_all_rows_equals_peft(base, packages, tmp_path, slot):
    expected = peft_logits(base, packages[slot], tmp_path / "a", TOKENS)
    bank = ExpertBank(base, slots=2)
    bank.load(0, packages[slot])
    with torch.no_grad(), bank.use([0] * 5):
        torch.testing.assert_close(base.model(input_ids=TOKENS).logits, expected, atol=1e-5, rtol=0)


def test_bank_greedy_tokens_equal_peft(base, packages, tmp_path):
    prompt = TOKENS[:2]
    write_package(packages[1], tmp_path / "a")
    model = PeftModel.from_pretrained(copy.deepcopy(base.model), tmp_path / "a").double().eval()
    expected = model.generate(input_ids=prompt, max_new_tokens=12, do_sample=False)
    bank = ExpertBank(base, slots=1)
    bank.load(0, packages[1])
    with bank.use((0, 0)):
        assert base.model.generate(input_ids=prompt, max_new_tokens=12, do_sample=False).tolist() == expected.tolist()


def test_bank_base_rows_among_adapters_are_bitwise_the_base(base, packages):
    layer = base.linear(base.linear_names[0])
    x = torch.randn(3, 4, layer.in_features, generator=torch.Generator().manual_seed(0)).double()
    expected = layer(x)
    bank = ExpertBank(base, slots=1)
    bank.load(0, packages[1])
    with bank.use((-1, 0, -1)):
        mixed = layer(x)
    assert torch.equal(mixed[[0, 2]], expected[[0, 2]])
    assert not torch.allclose(mixed[1], expected[1], atol=1e-2)


def test_bank_without_use_is_the_base(base, packages):
    with torch.no_grad():
        expected = base.model(input_ids=TOKENS).logits
        bank = ExpertBank(base, slots=1)
        bank.load(0, packages[0])
        assert torch.equal(base.model(input_ids=TOKENS).logits, expected)


def test_bank_reloaded_slot_takes_the_new_adapter(base, packages, tmp_path):
    expected = peft_logits(base, packages[1], tmp_path / "a", TOKENS[:2])
    bank = ExpertBank(base, slots=2)
    bank.load(0, packages[0])
    bank.load(1, packages[2])
    with torch.no_grad(), bank.use((0, 1)):
        base.model(input_ids=TOKENS[:2])
    bank.load(0, packages[1])
    with torch.no_grad(), bank.use((0, 1)):
        torch.testing.assert_close(base.model(input_ids=TOKENS[:2]).logits[:1], expected[:1], atol=1e-5, rtol=0)


def test_bank_empty_slot_is_refused(base, packages):
    bank = ExpertBank(base, slots=2)
    bank.load(0, packages[0])
    bank.unload(0)
    with pytest.raises(InvalidInput, match="slot: 0 is empty"), bank.use((0,)):
        pass
    with pytest.raises(InvalidInput, match="2 is not between 0 and 1"):
        bank.load(2, packages[0])


def test_bank_adapter_of_another_base_is_refused(base, packages, state, config, tokenizer):
    from r3mes_ray.models.base import build_base
    from r3mes_ray.models.checkpoint import quantise_state

    changed = {name: tensor * 2 for name, tensor in state.items()}
    other = build_base(quantise_state("test/base", config, changed), tokenizer)
    with pytest.raises(PackageRejected, match="rule base"):
        ExpertBank(other, slots=1).load(0, packages[0])
