"""Makes byzfl.json from byzfl 0.0.11 itself: run once, in an environment of its own.

    python -m venv byzfl && byzfl/bin/pip install torch numpy && byzfl/bin/pip install --no-deps byzfl==0.0.11
    byzfl/bin/python tests/golden/byzfl_vectors.py > tests/golden/byzfl.json

byzfl imports plotting and vision libraries that its rules do not use; only its two modules of rules are loaded here.
"""

import importlib.util
import json
import sys
import types

import numpy as np

package = importlib.util.find_spec("byzfl")
sys.modules["byzfl"] = module = types.ModuleType("byzfl")
module.__path__ = list(package.submodule_search_locations)
from byzfl.aggregators import aggregators, preaggregators  # noqa: E402

F = 2
RULES = {
    "mean": aggregators.Average(),
    "median": aggregators.Median(),
    "trimmed-mean": aggregators.TrMean(f=F),
    "geometric-median": aggregators.GeometricMedian(nu=1e-9, T=3),
    "krum": aggregators.Krum(f=F),
    "multi-krum": aggregators.MultiKrum(f=F),
    "mda": aggregators.MDA(f=F),
    "meamed": aggregators.Meamed(f=F),
}


def case(seed, n, d):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, d)) + np.linspace(0.5, 1.5, d)
    rows[n // 2] *= 4.0
    rows[n - 1] = -3.0 * rows[n - 1]
    # byzfl's pivot of MoNNA is a row; ours is the start version, which is zero here.
    outputs = {name: rule(rows.copy()).tolist() for name, rule in RULES.items()}
    # It keeps its momentum between calls: a new one for each case.
    outputs["centered-clipping"] = aggregators.CenteredClipping(L=3, tau=2.0)(rows.copy()).tolist()
    outputs["monna"] = aggregators.MoNNA(f=F, idx=0)(np.vstack([np.zeros(d), rows])).tolist()
    outputs["nnm"] = preaggregators.NNM(f=F)(rows.copy()).tolist()
    outputs["arc"] = preaggregators.ARC(f=F)(rows.copy()).tolist()
    return {"rows": rows.tolist(), "outputs": outputs}


json.dump({"f": F, "cases": [case(seed, n, d) for seed, n, d in ((0, 9, 6), (1, 10, 5), (2, 12, 8))]}, sys.stdout)
