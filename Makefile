# Every target makes the virtual environment it needs: for `serve` what the mock needs, for the
# others also what development needs, in the same place.
#
#   make serve                         run the mock (more flags: ARGS="--port 0")
#   make test                          run the tests (more flags: ARGS="-k cli")
#   make check                         lint, format check, types (types alone: make types)
#   make environment                   make the virtual environment, and nothing else
#   make coverage                      run the tests and measure what they reach
#   make measure                       measure the contract kit with broken and correct servers (less than 40 minutes on
#                                      two cores); PART=alike measures how alike a calibrated mock is
#   make bench                         measure the speed (one part: ARGS="--part servers")
#   make bench-peers                   install the mock servers that it compares with
#   make typescript                    install the npm packages that the TypeScript client's test needs
#   make image                         build the container image (docs/how-to/containers.md)
#   make reference                     make docs/reference anew from code and data
#   make docs                          build the docs: docs/_build/html/index.html
#   make clean                         remove everything that was made
#
# Another Python, beside the first: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
IMAGE ?= crmcom-kit:dev
# What builds the image: the first of these that is here.
ENGINE ?= $(shell command -v docker || command -v podman || command -v buildah)

# The tests start hundreds of Pythons; without bytecode files each would compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
# Two workers more than there are cores, up to eight: tests wait for processes and browsers. Tests
# are handed out in the order of the files, the longest first (tests/conftest.py), so that tests of
# one file mostly share its servers; a worker with nothing left takes over from another.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(8, (os.cpu_count() or 1) + 2))')
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
# What the environment has so far: what serving needs, and the extra `dev`. The stamps carry the
# interpreter's name, so that asking for another one makes the environment anew.
SERVES := $(VENV)/.serves-with-$(subst /,_,$(PYTHON))
TESTS := $(VENV)/.tests-with-$(subst /,_,$(PYTHON))
INSTALL = if command -v uv >/dev/null; then set -x; uv pip install --python $(BIN)/python -c constraints.txt -e $(1); \
    else set -x; $(BIN)/python -m pip install -c constraints.txt -e $(1); fi

.PHONY: help serve test check types environment coverage measure bench bench-peers typescript image reference docs clean

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

serve: $(SERVES)
	$(BIN)/crmcom-kit serve $(ARGS)

test: $(TESTS)
	$(PYTEST) $(ARGS)

check: types
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(TESTS)
	$(BIN)/mypy $(ARGS)

environment: $(TESTS)

coverage: $(TESTS)
	$(PYTEST) --cov --cov-report=term $(ARGS)

measure: $(TESTS)
	PYTHONPATH=tests:benchmarks/kit $(BIN)/python -m mutants.$(or $(PART),measure) $(ARGS)

bench: $(TESTS)
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(TESTS)
	$(BIN)/python -m benchmarks.peers

# Left out where npm or its packages are not to be had: the test is skipped then.
typescript:
	cd tests/mock_server/admin/typescript && npm install --no-package-lock --ignore-scripts --no-audit --no-fund

# Only Docker's form of an image has a HEALTHCHECK; docker itself knows no other.
image:
	@test -n "$(ENGINE)" || { \
	    echo "To build an image, install docker, podman or buildah: none of them is here." >&2; exit 1; }
	$(ENGINE) build $(if $(filter docker,$(notdir $(ENGINE))),,--format docker) \
	    -f Containerfile -t $(IMAGE) $(ARGS) .

# A test holds that it is current.
reference: $(TESTS)
	PYTHONPATH=docs $(BIN)/python -m reference_pages

# A warning is an error: a link that leads nowhere, a page in no table of contents.
docs: $(TESTS)
	$(BIN)/sphinx-build -W --keep-going -q -b html $(ARGS) docs docs/_build/html
	@echo "The docs are in docs/_build/html/index.html."

clean:
	rm -rf tests/mock_server/admin/typescript/node_modules
	rm -rf .venv .venv-* dist htmlcov .coverage .coverage.*
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf benchmarks/.peers benchmarks/.work docs/_build
	find benchmarks contract_tests fixtures mock_server schemas src tests -name __pycache__ -exec rm -rf {} +

# Made from nothing each time, so that it holds what the two files say and no leftovers.
$(SERVES): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "crmcom-kit needs Python 3.11 or newer, and '$(PYTHON)' is not that." >&2; \
	    echo "Name one that is:  make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@test ! -e $(VENV) || test -e $(VENV)/pyvenv.cfg || { \
	    echo "$(VENV) is there and is no virtual environment; it is left alone." >&2; exit 1; }
	@echo "Making $(VENV) with what the mock needs, 84 MB, once: about 20 seconds, more on a busy machine."
	@rm -rf $(VENV)
	@if command -v uv >/dev/null; then set -ex; \
	    uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); \
	else \
	    $(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	        echo "'$(PYTHON)' cannot make a virtual environment: it lacks ensurepip." >&2; \
	        echo "On Debian and Ubuntu:  apt-get install" \
	            "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; \
	        exit 1; }; \
	    set -ex; \
	    $(PYTHON) -m venv $(VENV); \
	fi
	@$(call INSTALL,.)
	@touch $@

$(TESTS): $(SERVES)
	@echo "Adding to $(VENV) what development needs, 580 MB, once: one to eight minutes."
	@$(call INSTALL,'.[dev]')
	@touch $@
