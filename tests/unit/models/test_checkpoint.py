"""Oracles: transformers' own packing and unpacking, and its loader for the folders that are written here."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BitNetForCausalLM
from transformers.integrations.bitnet import pack_weights

from r3mes_ray.errors import InvalidInput, ModelError
from r3mes_ray.models.base import base_hash, build_base, load_base
from r3mes_ray.models.checkpoint import quantise_state, read_checkpoint, write_checkpoint
from r3mes_ray.models.pack import pack_codes, unpack_codes
from r3mes_ray.models.tokenizer import save_tokenizer

CODES = torch.tensor([[1, -1, 0], [0, 1, 1], [-1, 0, 1], [0, 0, -1], [1, 1, 1], [-1, -1, -1], [0, 1, 0], [1, 0, -1]])


def test_pack_codes_equals_transformers():
    assert torch.equal(pack_codes(CODES), pack_weights(CODES.clone()))
    assert torch.equal(unpack_codes(pack_weights(CODES.clone()), 8, "w").long(), CODES)


def test_pack_codes_four_in_a_byte_lowest_bits_first():
    assert pack_codes(torch.tensor([[1], [0], [-1], [1]])).tolist() == [[0b10_00_01_10]]


@pytest.mark.parametrize("rows", [1, 3, 6, 9])
def test_pack_codes_any_number_of_rows_survives(rows):
    codes = torch.randint(-1, 2, (rows, 5), generator=torch.Generator().manual_seed(rows))
    assert torch.equal(unpack_codes(pack_codes(codes), rows, "w").long(), codes)


def test_unpack_codes_with_a_fourth_code_is_refused():
    with pytest.raises(InvalidInput, match="bit pair 11"):
        unpack_codes(torch.tensor([[0b11]], dtype=torch.uint8), 4, "w")
    with pytest.raises(InvalidInput, match="does not hold 9 rows"):
        unpack_codes(torch.tensor([[0]], dtype=torch.uint8), 9, "w")


@pytest.fixture
def written(config, state, tokenizer, tmp_path):
    checkpoint = quantise_state("test/base", config, state)
    write_checkpoint(checkpoint, tmp_path / "model")
    save_tokenizer(tokenizer, tmp_path / "model")
    return tmp_path / "model"


def rewrite(folder, scheme, change):
    """Turn a written folder into another layout."""
    config = json.loads((folder / "config.json").read_text())
    if scheme is None:
        del config["quantization_config"]
    else:
        config["quantization_config"] |= scheme
    (folder / "config.json").write_text(json.dumps(config))
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors")


def masters(tensors):
    """Latent weights whose absmean rounding gives the codes back, in bfloat16, as the master checkpoint has them."""
    result = {}
    for name, tensor in tensors.items():
        if tensor.dtype == torch.uint8:
            codes = unpack_codes(tensor, tensor.shape[0] * 4, name).float()
            result[name] = codes.to(torch.bfloat16)
        elif not name.endswith("_scale"):
            result[name] = tensor
    return result


def test_checkpoint_written_and_read_is_the_same(written, config, state):
    again, first = read_checkpoint(written), quantise_state("test/base", config, state)
    assert again.name == "test/base"
    assert all(
        torch.equal(again.ternary[n].codes, w.codes) and again.ternary[n].scale == w.scale
        for n, w in first.ternary.items()
    )
    assert all(torch.equal(again.others[n], t) for n, t in first.others.items())
    assert base_hash(again) == base_hash(first)


def test_checkpoint_autobitlinear_offline_multiplies_and_transformers_reads_it(written):
    base = load_base(str(written))
    with torch.compiler.set_stance("force_eager"), torch.no_grad():
        theirs = BitNetForCausalLM.from_pretrained(written, dtype=torch.float32)
        for name in base.linear_names:
            layer = theirs.get_submodule(name)
            x = torch.randn(3, layer.in_features, generator=torch.Generator().manual_seed(1))
            torch.testing.assert_close(base.linear(name)(x), layer(x))


def test_checkpoint_bitlinear_divides(written):
    expected = load_base(str(written))

    def invert(tensors):
        return {n: 1 / t if n.endswith("_scale") else t for n, t in tensors.items()}

    rewrite(written, {"linear_class": "bitlinear"}, invert)
    found = load_base(str(written))
    for name in expected.linear_names:
        torch.testing.assert_close(found.effective_weight(name), expected.effective_weight(name), rtol=1e-6, atol=0)


@pytest.mark.parametrize("scheme", [None, {"linear_class": "autobitlinear", "quantization_mode": "online"}])
def test_checkpoint_master_weights_are_rounded_by_their_mean(written, scheme):
    packed = load_file(written / "model.safetensors")
    rewrite(written, scheme, masters)
    base = load_base(str(written))
    name = "model.layers.1.self_attn.q_proj"
    codes = unpack_codes(packed[f"{name}.weight"], 32, name).float()
    torch.testing.assert_close(base.effective_weight(name), codes * codes.abs().mean())


def test_base_hash_is_equal_for_layouts_with_equal_weights(written):
    def powers_of_two(tensors):
        return {n: torch.full_like(t, 0.25) if n.endswith("_scale") else t for n, t in tensors.items()}

    rewrite(written, {}, powers_of_two)
    multiplies = base_hash(read_checkpoint(written))
    rewrite(
        written,
        {"linear_class": "bitlinear"},
        lambda ts: {
            n: 1 / t if n.endswith("_scale") else t.float() if t.is_floating_point() else t for n, t in ts.items()
        },
    )
    assert base_hash(read_checkpoint(written)) == multiplies


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.mlp.up_proj.weight",
        "model.layers.0.mlp.up_proj.weight_scale",
        "model.norm.weight",
        "model.embed_tokens.weight",
    ],
)
def test_base_hash_changes_with_every_tensor(written, name):
    before = base_hash(read_checkpoint(written))

    def change(tensors):
        tensor = tensors[name].clone()
        tensor.view(-1)[0] = 0 if tensor.dtype == torch.uint8 and tensor.view(-1)[0] else 1 + tensor.view(-1)[0] * 2
        return tensors | {name: tensor}

    rewrite(written, {}, change)
    assert base_hash(read_checkpoint(written)) != before


def test_base_hash_changes_with_the_configuration(written):
    before = base_hash(read_checkpoint(written))
    config = json.loads((written / "config.json").read_text()) | {"rms_norm_eps": 0.1}
    (written / "config.json").write_text(json.dumps(config))
    assert base_hash(read_checkpoint(written)) != before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ts: {n: t for n, t in ts.items() if n != "model.norm.weight"}, "do not fit the configuration"),
        (lambda ts: ts | {"extra.weight": torch.zeros(2)}, "do not fit the configuration"),
        (
            lambda ts: {n: t for n, t in ts.items() if not n.endswith("up_proj.weight_scale")},
            "packed but has no weight_scale",
        ),
        (lambda ts: {n: t * 0 if n.endswith("_scale") else t for n, t in ts.items()}, "not one positive number"),
    ],
)
def test_load_base_tensors_that_do_not_fit_are_refused(written, change, reason):
    rewrite(written, {}, change)
    with pytest.raises(ModelError, match=reason):
        load_base(str(written))


def test_load_base_what_is_no_model_is_refused(tmp_path, written):
    with pytest.raises(ModelError, match="is no folder"):
        load_base(str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        load_base(str(tmp_path))
    (written / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(ModelError, match="cannot be read"):
        load_base(str(written))
    (written / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="is not of a BitNet"):
        load_base(str(written))


def test_shipped_model_predicts_text_better_than_chance_and_has_room():
    base = load_base("tiny")
    assert (base.base_id, base.context_tokens, len(base.linear_names)) == ("r3mes/tiny", 1024, 28)
    ids = torch.tensor([base.tokenizer("The database server starts when the configuration file is read.").input_ids])
    with torch.no_grad():
        assert base.model(input_ids=ids, labels=ids).loss.item() < 6.5
    assert (
        base.tokenizer.apply_chat_template(
            [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
        )
        == "<|user|>Hi<|assistant|>"
    )


def test_built_base_computes_what_transformers_quantised_model_does(config, state, tokenizer):
    """Their online AutoBitLinear on the same latent weights; the activations' rounding is theirs too."""
    base = build_base(quantise_state("b", config, state), tokenizer)
    name = "model.layers.0.self_attn.q_proj"
    latent = state[f"{name}.weight"]
    inverse = 1.0 / latent.abs().mean().clamp(min=1e-5)
    weight = (latent * inverse).round().clamp(-1, 1) / inverse
    x = torch.randn(3, 32, generator=torch.Generator().manual_seed(2))
    scale = 127 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
    expected = ((x * scale).round().clamp(-128, 127) / scale) @ weight.t()
    torch.testing.assert_close(base.linear(name)(x), expected)


@pytest.mark.parametrize("change", [{"num_attention_heads": 0}, {"hidden_size": 33}, {"vocab_size": "many"}])
def test_load_base_configuration_that_makes_no_sense_is_refused(written, change):
    config = json.loads((written / "config.json").read_text()) | change
    (written / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"config\.json"):
        load_base(str(written))


def test_checkpoint_old_rope_theta_is_the_new_one(written):
    before = base_hash(read_checkpoint(written))
    config = json.loads((written / "config.json").read_text())
    del config["rope_parameters"]
    (written / "config.json").write_text(json.dumps(config | {"rope_theta": 10000.0}))
    assert base_hash(read_checkpoint(written)) == before


def test_quantised_row_that_rounds_to_zeros_keeps_its_largest_entry(config, state):
    name = "model.layers.0.mlp.up_proj"
    small = torch.full((32,), 1e-4)
    small[7] = -2e-4
    state[f"{name}.weight"][5] = small
    codes = quantise_state("b", config, state).ternary[name].codes[5]
    assert codes[7] == -1
    assert codes.abs().sum() == 1


def test_shipped_model_has_no_zero_row():
    base = load_base("tiny")
    assert all(bool((base.effective_weight(name) != 0).any(1).all()) for name in base.linear_names)
