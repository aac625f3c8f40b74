# `make demo` and `make test` do all of their own set-up on a fresh Debian 12 machine; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# Ansible refuses to run in a locale that is not UTF-8.
export LC_ALL := C.UTF-8
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where ansible-lint finds the roles and the modules they call.
export ANSIBLE_ROLES_PATH := $(CURDIR)/roles
export ANSIBLE_LIBRARY := $(CURDIR)/playbooks/library
export ANSIBLE_MODULE_UTILS := $(CURDIR)/playbooks/module_utils

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

# The Debian packages that the lab and the tests run. Of openssh-server and postgresql only the programs are wanted.
# Elsewhere than on Debian: install the same tools, and pass PACKAGES= to skip this.
PACKAGES := \
  apt busybox ca-certificates chromium debian-archive-keyring e2fsprogs grub-common grub-pc-bin iproute2 mksh \
  mmdebstrap mount mtools nftables openssh-client openssh-server postgresql procps qemu-system-x86 qemu-utils sudo \
  systemd-container xorriso

DEMO_KIND ?= vm
DEMO_RELEASE ?= 12

.PHONY: help
help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand --tabs=18

.PHONY: check
check: install  ## Lint, types, and the tests that need no node: three minutes
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going fast-tests types style yaml ansible

.PHONY: fast-tests types style yaml ansible
fast-tests:
	$(BIN)/python -m pytest --quiet --numprocesses=2 tests/unit tests/conformance tests/fuzz
types:
	$(BIN)/mypy
style:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
yaml:
	$(BIN)/yamllint --strict .
ansible:
	PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint --offline --strict

.PHONY: test
test: packages check  ## check, and everything that needs lab nodes
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder tests/integration

.PHONY: proof
proof: install packages  ## A release's proof: every control broken and remedied on a virtual machine of each release
	HARDENER_PROOF_NODES="vm12 vm13" $(BIN)/python -m pytest --capture=no tests/integration/test_proof.py

.PHONY: drill
drill: install packages  ## Starve nodes, cut a virtual machine off, kill applies, and take a whole apply back
	HARDENER_LOADED_APPLIES=10 HARDENER_LOADED_KILLS=20 $(BIN)/python -m pytest --capture=no tests/integration/test_load.py
	HARDENER_DRILL_NODE=vm12 $(BIN)/python -m pytest --capture=no tests/integration/test_guard.py \
	  tests/integration/test_kill.py tests/integration/test_rollback.py \
	  tests/integration/test_rollout.py tests/integration/test_plan.py tests/integration/test_causes.py \
	  tests/integration/test_services_alive.py

.PHONY: bench
bench: install packages  ## Measure audits and applies
	$(BIN)/python -m tests.bench

# What was found goes on from run to run in .fuzz; an answer that breaks a reader is written there.
FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: install  ## Hostile answers: 10,000 of each kind, guided ones for minutes, and what reading them costs
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement tests/fuzz/requirements.txt
	$(BIN)/python -m pytest --quiet --numprocesses=2 --hypothesis-profile=fuzz tests/fuzz
	for reader in frames facts answers events; do
	  $(BIN)/python -m tests.fuzz.guided $$reader $(FUZZ_SECONDS) .fuzz/$$reader
	done
	$(BIN)/python -m tests.fuzz.cost

.PHONY: molecule
molecule: install packages  ## Run the sshd role through Molecule on a lab node
	PATH="$(CURDIR)/$(BIN):$$PATH" molecule test --scenario-name sshd

.PHONY: demo
demo: install packages  ## Audit and harden a throw-away node, with a report in demo/
	@mkdir -p demo
	expect_findings() { "$$@" || [[ $$? -eq 1 ]]; }
	inventory=$$($(BIN)/hardener lab up --kind $(DEMO_KIND) --release $(DEMO_RELEASE))
	set -x
	expect_findings $(BIN)/hardener audit -i "$$inventory"
	expect_findings $(BIN)/hardener apply --yes -i "$$inventory"
	$(BIN)/hardener report latest -f html -o demo/report.html
	{ set +x; } 2>/dev/null
	echo "Report: $(CURDIR)/demo/report.html. The node stays up: $(BIN)/hardener lab ssh $(DEMO_KIND)$(DEMO_RELEASE)"

.PHONY: docs
docs: install  ## Write docs/controls.md and the help in the README anew
	$(BIN)/python -m tests.conformance.generated

.PHONY: constraints
constraints: install  ## Renew the exact versions everything is tested with, and the hashes of all their files
	@folder=$$(mktemp --directory)
	trap 'rm --recursive "$$folder"' EXIT
	compile() {
	  sed '/^#/!d' "$$1" > "$$folder/$$1"
	  $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --no-emit-index-url "$${@:2}" pyproject.toml >> "$$folder/$$1"
	  mv "$$folder/$$1" "$$1"
	}
	compile constraints.txt --extra dev
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' |
	  compile requirements.txt --constraint constraints.txt -

.PHONY: clean
clean:  ## Remove the demo's node and everything made here
	if [[ -x $(BIN)/hardener ]]; then $(BIN)/hardener lab down $(DEMO_KIND)$(DEMO_RELEASE); fi
	rm -rf .venv .ansible .fuzz .hypothesis .mypy_cache .pytest_cache .ruff_cache build demo dist
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: install
install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt | python
	[[ -x $(BIN)/python ]] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: python
python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) --no-print-directory packages PACKAGES=python3-venv
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'

# A freshly installed server must not start on this machine, now or at boot: policy-rc.d keeps it down while it is
# installed, and its unit is disabled afterwards. One that was there before is left alone.
.PHONY: packages
packages:
	@installed=$$(dpkg-query --show --showformat='$${db:Status-Status} $${Package}\n' 2>/dev/null | sed -n 's/^installed //p') || true
	missing=$$(comm -23 <(printf '%s\n' $(PACKAGES) | sort) <(sort <<< "$$installed") | xargs)
	[[ -n $$missing ]] || exit 0
	if [[ $$EUID -ne 0 ]] || ! command -v apt-get > /dev/null; then
	  echo "These Debian packages are missing, and only root can install them: $$missing" >&2
	  exit 1
	fi
	if [[ ! -e /usr/sbin/policy-rc.d ]]; then
	  trap 'rm /usr/sbin/policy-rc.d' EXIT
	  install --mode=0755 /dev/stdin /usr/sbin/policy-rc.d <<< $$'#!/bin/sh\nexit 101'
	fi
	apt-get --quiet update
	DEBIAN_FRONTEND=noninteractive apt-get --quiet install --yes --no-install-recommends $$missing
	command -v systemctl > /dev/null || exit 0
	if [[ " $$missing " == *" openssh-server "* ]]; then systemctl --quiet disable ssh.service; fi
	if [[ " $$missing " == *" postgresql "* ]]; then systemctl --quiet disable postgresql.service; fi
