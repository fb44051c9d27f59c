"""The wheel carries all that it needs: built from what git tracks, installed into a clean environment."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command, cwd):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def copy_tracked_files(target):
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def test_wheel_in_a_clean_environment_runs_with_its_own_files(tmp_path):
    source, out, elsewhere = tmp_path / "source", tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy_tracked_files(source)
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, source)
    run(*build, cwd=elsewhere)
    (wheel,) = out.glob("r3mes_ray-*.whl")

    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=elsewhere)
    python = tmp_path / "env" / "bin" / "python"
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    install = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    run(*install, cwd=elsewhere)
    # The dependencies, without the packages that are under development there: a plain path runs no other .pth file.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    r3mes = tmp_path / "env" / "bin" / "r3mes"
    assert run(r3mes, "--version", cwd=elsewhere).startswith("r3mes ")
    where = run(python, "-c", "import r3mes_ray; print(r3mes_ray.__file__)", cwd=elsewhere)
    assert where.startswith(str(site))
    info = json.loads(run(r3mes, "--home", tmp_path / "home", "--json", "model", "info", cwd=elsewhere))
    assert info["base_id"]
    assert (site / "r3mes_ray" / "py.typed").exists()
    assert (site / "r3mes_ray" / "wire" / "remes" / "remes" / "v1" / "tx_pb2.pyi").exists()
