"""What the gateway imports of the engine loads neither torch nor vLLM."""

import subprocess
import sys


def test_values_of_the_engines_port_are_imported_without_torch():
    code = "import sys; sys.modules |= {'torch': None, 'vllm': None}; import r3mes_ray.serving.reports"
    subprocess.run([sys.executable, "-c", code], check=True)
