# Sets up the virtual environment and calls the console command; everything else is `pricewright --help`.

SHELL  := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# uv does not read pip's own configuration: it is handed pip's folder of wheels, where there is one.
# Elsewhere it takes torch from the CPU builds; the registry's own build brings 3 GB of CUDA packages.
TORCH  := $(if $(PIP_FIND_LINKS),,--torch-backend cpu)
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

SOURCE ?=
STORES ?=
PRODUCTS ?=
STOCK  ?=
RULES  ?=
STORE  ?=
PARAMS ?=
MAPPING ?=
PORT   ?=
# A process each for whole files, since these share what is slow to make; threads that wait in them do not spin.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
CODE   := pricewright tasks flows blocks inference deployments cli bench drill .ci

.PHONY: help setup run playground stack test test-platform lint-cloud bandit audit fuzz mutants bench-model bench-api bench-scale \
  bench-load docs drill screenshot lock lock-image

help: ## say what can be made here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) run.yaml ## virtual environment with the locked packages, in .venv

$(READY): requirements.lock pyproject.toml .ci/uv.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else f"Python 3.11 is needed, $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python $(TORCH) --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

run.yaml: | $(READY)
	@$(BIN)/pricewright configure

run: setup ## weekly run: make run [SOURCE=file] [STORES=file] [PRODUCTS=file] [STOCK=file] [RULES=file] [STORE=folder or s3://bucket] [PARAMS="train.seed=7 ..."] [MAPPING=mapping.yaml]
	@$(BIN)/pricewright run $(if $(SOURCE),--source '$(SOURCE)') $(if $(STORES),--stores '$(STORES)') $(if $(PRODUCTS),--products '$(PRODUCTS)') $(if $(STOCK),--stock '$(STOCK)') $(if $(RULES),--rules '$(RULES)') $(if $(STORE),--store '$(STORE)') $(foreach p,$(PARAMS),--param '$(p)') $(if $(MAPPING),--mapping '$(MAPPING)')

playground: setup ## web page and price API on what was promoted: make playground [STORE=...] [PORT=8080]
	@$(BIN)/pricewright serve $(if $(STORE),--store '$(STORE)') $(if $(PORT),--port $(PORT))

stack: setup ## all of it: Prefect, worker, flows, price API, playground: make stack [SOURCE=...] [STORE=...] [PORT=8080]
	@$(BIN)/pricewright up $(if $(SOURCE),--source '$(SOURCE)') $(if $(STORE),--store '$(STORE)') $(if $(PORT),--port $(PORT))

test: setup ## lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory lint-cloud bandit
	$(PYTEST) -m 'not platform'

test-platform: setup ## the whole platform, kills at every step, a Dask cluster, the image: CI runs it after `make test`
	$(PYTEST) -n 0 -m platform    # one after the other: each starts servers of its own

lint-cloud: setup ## templates, workflows and Dockerfiles, against their schemas and rules; needs no network
	$(BIN)/cfn-lint deployments/aws/shared.yaml deployments/aws/template.yaml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet --persona=pedantic .github
	$(BIN)/hadolint Dockerfile deployments/*.Dockerfile

bandit: setup ## weak spots in our own code
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(CODE)

audit: setup ## known weak spots of the locked dependencies; needs the network, so CI runs it and `make test` does not
	@$(BIN)/uv pip install --quiet --python $(BIN)/python pip-audit==2.10.1
	$(BIN)/pip-audit --requirement <(sed "s/^\(torch==.*\)+cpu/\1/" requirements.lock) --strict --no-deps --disable-pip --progress-spinner off || { \
		echo "pip-audit found something above, or could not reach its database (it asks the registry for each package)."; exit 1; }

lock: setup ## requirements.lock anew, every file by hash, and of it the image's: make lock [UPGRADE=1]
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python .ci/lock.py $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory lock-image

lock-image: setup ## inference/pylock.toml anew: every wheel of the price API's image, by hash
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/lock-image

fuzz: setup ## a million hostile inputs, in half an hour: make fuzz [SHARE=0.1] [ONLY=events,manifest]
	@$(BIN)/uv pip install --quiet --python $(BIN)/python $(TORCH) -c requirements.lock -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(if $(SHARE),--share $(SHARE)) $(if $(ONLY),--only $(ONLY))

bench-model: setup ## the demand model against its competitors: make bench-model [PARTS=1,2] [QUICK=1]
	@$(BIN)/uv pip install --quiet --python $(BIN)/python $(TORCH) -c requirements.lock -e '.[bench]'
	OMP_WAIT_POLICY=passive $(BIN)/python -m bench.model $(if $(PARTS),--parts $(PARTS)) $(if $(QUICK),--quick)

mutants: setup ## the lines that let a release into production, changed one at a time: make mutants [SECONDS=900] [ONLY=decisions]
	OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.mutants $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ONLY),--only $(ONLY))

docs: setup ## the pages of docs/ as a site, in work/site; a link that leads nowhere is an error
	$(BIN)/mkdocs build --quiet

screenshot: setup ## the README's picture of the playground: make screenshot [STORE=folder with a promoted release]
	@$(BIN)/python -m bench.screenshot $(if $(STORE),--store '$(STORE)')

bench-api: setup ## how fast the price API starts and answers: make bench-api [STORE=folder with a promoted release]
	OMP_WAIT_POLICY=passive $(BIN)/python -m bench.api $(if $(STORE),--store '$(STORE)')

bench-scale: setup ## what rows and SKUs cost: make bench-scale [ROWS=5e6,50e6,200e6] [SKUS=1e3,1e4,1e5] [WORK=big folder]
	OMP_WAIT_POLICY=passive $(BIN)/python -m bench.scale $(if $(ROWS),--rows $(ROWS)) $(if $(SKUS),--skus $(SKUS)) $(if $(WORK),--work '$(WORK)')

bench-load: setup ## a minute at the rate that one process holds, a minute at twice that, its memory: make bench-load [STORE=folder]
	OMP_WAIT_POLICY=passive $(BIN)/python -m bench.load $(if $(STORE),--store '$(STORE)')

drill: setup ## break everything on this machine, then look for what was lost: make drill [MINUTES=10] [SEED=1]
	OMP_WAIT_POLICY=passive $(BIN)/python -m drill $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))
