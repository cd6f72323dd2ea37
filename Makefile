# Everything a newcomer needs: `make run`, `make test`. Second runs start at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAY = @printf '\033[1;36m%s\033[0m\n'
# A gateway that has to be compiled at each start takes thrice as long to start.
unexport PYTHONDONTWRITEBYTECODE

# What pip is at, on one line: a first install takes minutes. A log gets no line of it.
PROGRESS := | awk 'BEGIN { tty = !system("test -t 1") } \
	tty && /^ *(Collecting|Using cached|Downloading|Building|Installing)/ { \
	  sub(/^ */, ""); printf "\r\033[K  %.70s", $$0; fflush() } \
	END { if (tty) printf "\r\033[K" }'
SHELL := bash
.SHELLFLAGS := -o pipefail -c

.PHONY: help run test lint format bench bench-llm console docs quality clean system

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1mmake %-8s\033[0m %s\n", $$1, $$2}'

# Besides what is installed: what is compiled then.
$(VENV)/.base: pyproject.toml compiled.py src/torana/net/_heads.pyx
	$(SAY) "[1/2] Creating the environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(SAY) "[2/2] Installing Torana and its embedded engines"
	@$(BIN)/python -m pip install -e '.[engines,functions]' $(PROGRESS)
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(SAY) "Installing the tools for tests and checks"
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

run: $(VENV)/.base ## serve the examples with the embedded engines
	@exec $(BIN)/torana serve examples --config examples/torana.toml --demo

SYSTEM := chromium chromium-driver apertium apertium-eng-spa transfuse pebble

system: ## what tests use of Debian's packages, where they are missing (needs root)
	@dpkg -s $(SYSTEM) >/dev/null 2>&1 || { \
	  printf '\033[1;36mInstalling %s\033[0m\n' '$(SYSTEM)'; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM) >/dev/null; }

test: $(VENV)/.dev ## run the tests
	@$(BIN)/python -m pytest -q -n 2

lint: $(VENV)/.dev ## style, types and import contracts
	@$(BIN)/ruff check src tests bench compiled.py
	@$(BIN)/ruff format --check src tests bench compiled.py
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## format the code
	@$(BIN)/ruff format src tests bench compiled.py
	@$(BIN)/ruff check --fix src tests bench compiled.py

bench: $(VENV)/.dev ## CPU per request beside nginx (needs nginx and wrk), and of each check
	@$(BIN)/python bench/gateway.py
	@$(BIN)/python -m bench.demo
	@$(BIN)/python -m bench.checks
	@$(BIN)/python -m bench.guards

bench-llm: $(VENV)/.base ## CPU per chat and per stream beside nginx, with keys, limits and metering
	@$(BIN)/python -m bench.llm

quality: $(VENV)/.dev ## measure the embedded engines on labelled texts
	@$(BIN)/python -m bench.quality
	@$(BIN)/python -m bench.quality_forms

web/node_modules: web/package-lock.json
	$(SAY) "Installing what builds the console"
	@cd web && npm ci --no-audit --no-fund
	@touch $@

console: web/node_modules ## build the console's web application (needs Node.js)
	@cd web && npm run --silent build

docs: $(VENV)/.base ## build the documentation
	@$(BIN)/python -m pip install --quiet --group docs
	@$(BIN)/mkdocs build --strict

clean: ## remove the environment
	@rm -rf $(VENV)
