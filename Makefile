SHELL := /bin/bash
PYTHON ?= python3
UV := .tools/bin/uv
RUN := .venv/bin
# More at a time than cores: many tests wait for processes, leases and CI most of their time.
JOBS ?= 3
# Where it is set, as in many images, every process would compile everything it imports: seconds, each time.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup demo test check engines kernel-python test-chaos test-gvisor test-hostile bench-intake bench-agent bench-memory format openapi clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(UV):
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check "uv==0.13.8"

.venv/.from-lock: uv.lock pyproject.toml | $(UV)
	$(UV) sync --frozen --quiet --compile-bytecode --extra postgres --extra redis
	@touch $@

setup: .venv/.from-lock ## Make the virtual environment from the lock file

demo: setup ## Run the whole way: an issue assigned, a proven pull request (ARGS="--scenario stop --keep")
	$(RUN)/forgehand demo $(ARGS)

test: setup ## Run every test but the long ones
	$(RUN)/pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-chaos: setup ## Kill worker and web at a hundred random points
	$(RUN)/pytest -m chaos tests/end_to_end $(ARGS)

test-hostile: setup ## Index repositories that mean harm: a hundred thousand files, a million definitions (minutes)
	$(RUN)/pytest -m hostile tests/codebase $(ARGS)

test-gvisor: setup ## What every sandbox backend promises, on gVisor (ten minutes or more)
	$(RUN)/pytest -n $(JOBS) --dist loadgroup -m gvisor tests $(ARGS)

check: setup ## Lint, types, import contracts
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

engines: ## Install the real parts the tests use (Debian: bubblewrap, Docker with gVisor, PostgreSQL, Redis, Chromium, wrk, npm packages)
	tools/engines

kernel-python: setup ## Install PyTorch for the kernel lane: a Python of its own below ~/.cache/forgehand, where uv leaves it alone
	@tools/kernel-python

bench-intake: setup ## Measure the webhook intake beside Probot
	$(RUN)/python -m evals.intake $(ARGS)

bench-agent: setup ## Measure what a step of the agent loop costs
	$(RUN)/python -m evals.agent_loop $(ARGS)

bench-memory: setup ## Measure what a running task costs in memory
	$(RUN)/python -m evals.task_memory $(ARGS)

format: setup ## Format the code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

openapi: setup ## Make demo/openapi/github.json anew from GitHub's description (npm)
	$(RUN)/python -m demo.openapi.prune

clean: ## Remove what was built
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis
