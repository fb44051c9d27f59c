"""What `r3mes bench` runs: one file per benchmark, each with `measure(settings, say) -> Report`."""

BENCHMARKS = {
    "aggregate": ("aggregate", "Aggregation rules beside Flower and byzfl, the published path, and memory"),
    "attacks": ("attacks", "Held-out loss by rule and attack, on updates of the shipped model"),
    "content": ("content", "Import and verified reading as a share of the cores' SHA-256, and beside js-ipfs"),
    "chain": ("chain", "10,000 sends signed, broadcast and included; signing beside CosmJS"),
    "engine": (
        "engine",
        "Adapters on vLLM beside its base, stock vLLM and PEFT; the working set, cold loads, start-up",
    ),
    "operation": (
        "operation",
        "The operation for GPUs beside the layer of PEFT, LoRA and DoRA, in a CUDA graph where there is one",
    ),
    "loop": ("loop", "The whole loop: seconds by stage, from nothing to the answer of a new version"),
}
"""Name → (module of this package, one line of help)."""
