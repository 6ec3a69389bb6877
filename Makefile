# Every command of the project. `make` alone lists them. Users need `make sweep`, contributors `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PYTHON ?=
# Reports of checkers go into logs as often as to a screen.
export NO_COLOR := 1
# Arguments for ansible-playbook or pytest: make sweep ARGS="-e sweep_workers=1,2,4", make unit ARGS="-k cell".
ARGS ?=

# What is kept for all checkouts of this machine: environments, caches of checkers, images' wheels, the test cluster's parts.
export TFSCALE_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/tfscale
export MYPY_CACHE_DIR := $(TFSCALE_CACHE)/mypy

CONTROLLER := .venv/bin
TEST := .venv-test/bin
TRAINER := .venv-trainer/bin
IMPORTER := .venv-importer/bin
DOCS := .venv-docs/bin
# Named, because ansible ignores the ansible.cfg of a folder that others may write to.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
PLAYBOOK = PATH="$(CURDIR)/$(CONTROLLER):$$PATH" $(CONTROLLER)/ansible-playbook
PYTEST = PATH="$(CURDIR)/$(TEST):$$PATH" $(TEST)/python -m pytest
# Two at a time, those of one group and of one file of unit tests after each other; ARGS="-n 0" for one at a time.
PARALLEL := -n 2 --dist loadfile
APART := --dist loadgroup -n
export TRAINERS ?= 2

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-19s %s\n", $$1, $$2}' Makefile

##: The study
.PHONY: setup setup-controller setup-trainer setup-kubernetes sweep train report teardown
setup: setup-controller setup-trainer ## make .venv (Ansible, report) and .venv-trainer (TensorFlow), once for all checkouts
setup-controller: ## make only .venv
	@tools/venv .venv requirements.txt
setup-trainer: ## make only .venv-trainer
	@tools/venv .venv-trainer trainer/requirements.txt
setup-kubernetes: ## make .venv with what studies on Kubernetes need as well
	@tools/venv .venv requirements.txt requirements-kubernetes.txt

sweep: setup ## measure the study of the inventory and write its report
	@$(PLAYBOOK) playbooks/sweep.yml $(ARGS)
train: setup ## one training run
	@$(PLAYBOOK) playbooks/train.yml $(ARGS)
report: setup-controller ## write the report again from the ledger
	@$(PLAYBOOK) playbooks/report.yml $(ARGS)
teardown: setup-controller ## stop whatever is left of a study
	@$(PLAYBOOK) playbooks/teardown.yml $(ARGS)

##: The checks
.PHONY: setup-test setup-test-trainer setup-importer setup-docs setup-browser setup-examples
setup-test: ## make .venv-test
	@tools/venv .venv-test requirements.txt requirements-kubernetes.txt requirements-test.txt
setup-test-trainer: ## make .venv-trainer with what its tests need
	@tools/venv .venv-trainer trainer/requirements.txt requirements-test-trainer.txt
setup-importer:
	@tools/venv .venv-importer requirements-importer.txt
setup-docs:
	@tools/venv .venv-docs requirements-docs.txt
setup-examples: ## make .venv-examples with JAX, LightGBM and Open MPI, for the tests of examples
	@tools/venv .venv-examples requirements-examples.txt
setup-browser: ## install Chromium where it is missing (root) or say how
	@tools/chromium

# One line for each part and its time at the end. A group's parts share the cores, two at a time; those with tests run two of
# these at a time themselves. Integration tests often wait, so a single worker of the trainer's tests goes beside them.
.PHONY: test
# Half of the time of sanity is pylint's; ruff, which has its rules of errors and warnings, stands in for it until `make e2e-full`.
test: export SANITY := --skip-test pylint
test: TRAINERS := 1
test: setup-test setup-test-trainer setup-importer setup-browser setup-controller ## set up and run every check
	@$(TEST)/python tools/checks.py --group sanity lint collection browser docs --group unit --group integration test-trainer

.PHONY: lint lint-ruff lint-types lint-types-plugins lint-types-trainer lint-types-tests lint-yaml lint-ansible lint-shell
lint: lint-ruff lint-types lint-yaml lint-shell lint-ansible ## ruff, mypy --strict, yamllint, shellcheck, ansible-lint
lint-ruff: setup-test
	@$(TEST)/ruff check
	@$(TEST)/ruff format --check
# By package name through the symlink: the same names as at run time, and no file is found under two of them.
lint-types: lint-types-plugins lint-types-trainer lint-types-tests
lint-types-plugins: setup-test
	@MYPYPATH=collections $(TEST)/mypy -p ansible_collections.tfscale.study.plugins
lint-types-trainer: setup-test
	@$(TEST)/mypy -p trainer
lint-types-tests: setup-test
	@MYPYPATH=collections $(TEST)/mypy tools tests
lint-yaml: setup-test
	@$(TEST)/yamllint --strict .
lint-shell: setup-test
	@$(TEST)/shellcheck .ci/run $$(git ls-files tools docker/build 'tests/e2e/infra/node/rootfs/usr/local/bin/*' | grep -v '\.py$$')
lint-ansible: setup-test
	@PATH="$(CURDIR)/$(TEST):$$PATH" $(TEST)/ansible-lint --offline --profile production --strict

.PHONY: sanity unit test-trainer integration browser docs docs-site collection versions bench
sanity: setup-test ## ansible-test sanity on a copy of the tracked files
	@$(TEST)/python tests/sanity/run.py $(SANITY) $(ARGS)
unit: setup-test ## the plugins' unit tests and the structure of the house
	@$(PYTEST) $(PARALLEL) tests/unit tests/tools tests/test_house.py -m "not full" $(ARGS)
test-trainer: setup-test-trainer ## the trainer's tests, on TensorFlow
	@$(TRAINER)/python -m pytest $(APART) $(TRAINERS) --confcutdir=tests/trainer tests/trainer -m "not full" $(ARGS)
integration: setup-test setup-trainer ## playbooks against real processes
	@$(PYTEST) $(APART) 2 tests/integration -m "not full" $(ARGS)
browser: setup-test setup-browser ## the report in headless Chromium
	@$(PYTEST) $(PARALLEL) tests/browser -m "not full" $(ARGS)
# Without the ceiling kubernetes.core lies in our repository and is not copied, as it is not tracked.
docs: setup-test ## the plugins' documentation and the changelog
	@GIT_CEILING_DIRECTORIES="$(CURDIR)" ANSIBLE_COLLECTIONS_PATH="$$($(TEST)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		PATH="$(CURDIR)/$(TEST):$$PATH" $(TEST)/antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .
	@PATH="$(CURDIR)/$(TEST):$$PATH" $(TEST)/antsibull-changelog lint
SITE := .cache/site
docs-site: setup-test setup-docs ## the documentation as one site, in .cache/site/html; a warning, such as a broken link, ends it
	@rm -rf $(SITE) && mkdir -p $(SITE) && cp -r docs $(SITE)/pages && mkdir $(SITE)/pages/collection
	@ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/collections:$$($(TEST)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		PATH="$(CURDIR)/$(TEST):$$PATH" $(TEST)/antsibull-docs collection --use-current --squash-hierarchy --fail-on-error \
		--dest-dir $(SITE)/pages/collection tfscale.study
	@$(DOCS)/sphinx-build --fail-on-warning --keep-going --quiet $(SITE)/pages $(SITE)/html
	@echo "docs-site: $(SITE)/html/index.html"
collection: setup-test setup-importer ## build the tarball and let Galaxy's importer judge it
	@$(TEST)/python tools/collection.py
# For releases: rows take minutes each, and every row installs an environment at its first time.
versions: setup-test setup-trainer ## units and two sweeps with other versions of Ansible and Python; ARGS="--row 2.16" for some
	@$(TEST)/python -m tools.versions $(ARGS)
bench: setup-test setup setup-examples ## benchmarks; they print figures and judge nothing
	@for file in $(filter-out tests/benchmarks/trainer.py,$(wildcard tests/benchmarks/*.py)); do echo "== $$file"; \
		if grep -q "^Usage: .venv-trainer" "$$file"; then python=$(TRAINER)/python; else python=$(TEST)/python; fi; \
		PATH="$(CURDIR)/$(TEST):$$PATH" "$$python" "$$file"; done

.PHONY: benchmark-trainer
benchmark-trainer: setup-test setup-trainer ## the preset `fast` against the thesis' loop; fails when proven to be under its bar
	@$(TEST)/python tests/benchmarks/trainer.py $(ARGS)

##: A real Kubernetes (tests/e2e/infra/README.md)
INFRA = "$$(tools/python)" -m tests.e2e.infra
.PHONY: e2e e2e-full full-cluster full-pylint full-search full-playbooks full-trainer e2e-prepare e2e-up e2e-down
e2e-prepare: ## build what the cluster is made of and the trainer's image, once for all checkouts (about 20 min)
	@$(INFRA).node_image && $(INFRA).trainer_image tfscale.test/trainer:prepared
e2e: setup-test ## the core path on a real Kubernetes, made and removed
	@$(PYTEST) tests/e2e -m "not full" --durations=20 $(ARGS)
# Parts that are no commands of their own: each runs, whatever becomes of those before it. ARGS may leave a part without a test.
e2e-full: setup-test setup-test-trainer setup-browser setup-examples ## every fault and scale test, the longest tests of playbooks, random examples, pylint
	@$(TEST)/python tools/checks.py --group full-cluster --group full-pylint --group full-search --group full-playbooks --group full-trainer
full-cluster:
	@$(PYTEST) tests/e2e --durations=40 $(ARGS)
full-pylint:
	@$(TEST)/python tests/sanity/run.py --test pylint
full-search:
	@$(PYTEST) $(PARALLEL) tests/unit -m hypothesis --hypothesis-profile=search $(ARGS) || [ $$? -eq 5 ]
full-playbooks:
	@$(PYTEST) $(APART) 2 tests/unit tests/tools tests/integration tests/browser -m full --durations=20 $(ARGS) || [ $$? -eq 5 ]
full-trainer:
	@$(TRAINER)/python -m pytest $(APART) 2 --confcutdir=tests/trainer tests/trainer -m full $(ARGS) || [ $$? -eq 5 ]
e2e-up: ## a Kind cluster for trying things; prints how to reach it
	@$(INFRA).cluster up $(ARGS)
e2e-down: ## remove that cluster and the engine that was started for it
	@$(INFRA).cluster down $(ARGS)

.PHONY: clean
clean: ## remove the links to environments and this checkout's caches; results and what is kept for all checkouts stay
	@rm -rf .venv .venv-test .venv-trainer .venv-importer .venv-docs .venv-examples .cache .ruff_cache .pytest_cache .hypothesis .ansible
