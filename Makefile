# Every target works without an activated environment: `make setup` builds .venv, the rest use it.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
STUDY ?= fashion
N ?= 2
# kubernetes: the cluster of your kubeconfig; local: this machine; export BACKEND=local to stay
BACKEND ?= kubernetes
# DATA=path/to/pictures  ARGS="training.epochs=3 ..."  WORKER=0  FOLLOW=1  TRIAL=7
PORT ?= 8080
FROM = $(if $(DATA),--data '$(DATA)')
FOLLOWED = $(if $(FOLLOW),--follow)
INTO = $(if $(OUT),--output '$(OUT)')
NEEDED = $(if $(DATA),'$(DATA)',$(error DATA= must name a picture or a folder))

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LIGHT := $(VENV)/.light
# A cluster's coordinator does the work: its laptop needs no torch.
STAMP = $(if $(filter kubernetes,$(BACKEND)),$(LIGHT),$(INSTALLED))
HPO = $(BIN)/hpo
ON = --backend $(BACKEND)

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
TAG ?= $(VERSION)
WORKER_IMAGE = $(IMAGE_PREFIX)hpo-worker:$(TAG)
COORDINATOR_IMAGE = $(IMAGE_PREFIX)hpo-coordinator:$(TAG)
# of `make images`: BASE_IMAGE= WHEELS=dir PIP_CONFIG=file CA_FILE=file BUILD_NETWORK=host PGBOUNCER=no
# WORKER_EXTRAS='timm wandb'
DOCKER ?= docker
BUILD = DOCKER_BUILDKIT=1 $(DOCKER) build --build-arg VERSION=$(VERSION) \
	--build-arg COMMIT=$$(git describe --always --dirty --abbrev=40 --exclude '*') \
	$(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) \
	$(if $(WHEELS),--network=none --build-arg OFFLINE=yes --build-arg WHEELS_IMAGE=hpo-wheels, \
		$(if $(BUILD_NETWORK),--network=$(BUILD_NETWORK))) \
	$(PIP_CONFIG:%=--secret id=pip,src=%) $(CA_FILE:%=--secret id=ca,src=%)
# of `make deploy`: OVERLAY=cpu COMPONENTS="pgbouncer rwx" NAMESPACE=hpo IMAGE_PREFIX= TAG=
OVERLAY ?= gpu
ifdef NAMESPACE
export HPO_NAMESPACE := $(NAMESPACE)
endif
OPTIONAL := timm,huggingface,export,demo,wandb,mlflow
EXTRAS := worker,dali,coordinator,kubernetes,kubectl,docker,s3,local,image,dev,$(OPTIONAL)
LIGHT_EXTRAS := kubernetes,kubectl
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: Python 3.11 or newer is needed, $$($(PYTHON) --version 2>&1) is what $(PYTHON) is;" \
			"name another with PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/pip || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e '.[$(1)]'
endef

# BACKEND=docker runs every verb in a container; the machine needs Docker and make, no environment.
ifeq ($(BACKEND),docker)
DOCKER_PROJECT ?= hpo
COMPOSE ?= $(shell $(DOCKER) compose version > /dev/null 2>&1 && echo $(DOCKER) compose || echo docker-compose) \
	--project-name $(DOCKER_PROJECT) --file docker/compose.yaml
SECRETS := .hpo/docker/secrets
export HPO_FOLDER := $(CURDIR)
export HPO_USER := $(shell id -u):$(shell id -g)
export HPO_WORKER_IMAGE := $(WORKER_IMAGE)
export HPO_COORDINATOR_IMAGE := $(COORDINATOR_IMAGE)
export HPO_DOCKER_SOCKET ?= /var/run/docker.sock
export HPO_DOCKER_GID ?= $(shell stat -L -c %g $(HPO_DOCKER_SOCKET))
export HPO_PORT := $(PORT)
PLACES = $(abspath $(DATA) $(dir $(filter %.yaml %.yml,$(STUDY))))
HPO = mkdir -p artifacts .hpo/data .hpo/docker/home && $(COMPOSE) run --rm \
	$$(test -t 0 -a -t 1 || echo -T) $(foreach place,$(PLACES),--volume '$(place):$(place):ro') coordinator
STAMP = $(SECRETS)/storage

$(SECRETS)/storage:
	@mkdir -p $(SECRETS) && chmod 700 $(SECRETS)
	@random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }; umask 022; \
		random > $(SECRETS)/token; random > $(SECRETS)/password; \
		echo "postgresql://hpo:$$(cat $(SECRETS)/password)@postgres:5432/hpo" > $@.new && mv $@.new $@
endif

.PHONY: help setup check test bench bench-gpu demo plan submit status logs scale stop resume train best \
	promote rollback dashboard inspect evaluate predict explain export page report images test-images \
	test-cluster deploy undeploy clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  variables: STUDY=$(STUDY) N=$(N) BACKEND=$(BACKEND) DATA= ARGS= OUT= WORKER= TRIAL= PORT=$(PORT)'

setup: $(INSTALLED) ## the whole environment; quick when nothing changed

$(INSTALLED): pyproject.toml constraints.txt
	$(call install,$(EXTRAS))
	@touch $(LIGHT) $@

$(LIGHT): pyproject.toml constraints.txt
	$(call install,$(LIGHT_EXTRAS))
	@touch $@

check: $(INSTALLED) ## style, types and import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_imports.py

test: $(INSTALLED) ## all tests; most wait for processes, so two run at a time on any machine
	$(BIN)/pytest -n 2 --dist worksteal

bench: $(INSTALLED) ## measure everything into bench/results.md: some 12 minutes on two cores [DATA= ARGS="--only step"]
	$(BIN)/python -m bench.suite $(FROM) $(ARGS)

bench-gpu: $(INSTALLED) ## the same of what needs a GPU, into bench/results-gpu.md [DATA= ARGS=]
	$(BIN)/python -m bench.suite --gpu $(FROM) $(ARGS)

demo: $(INSTALLED) ## a study on this machine, from raw pictures to a promoted model, in minutes
	$(BIN)/hpo submit fashion --workers 2 --backend local
	@echo 'next: export BACKEND=local (to stay on this machine);' \
		'make best, make report, make dashboard (all STUDY=fashion);' \
		'more trials: make resume STUDY=fashion ARGS=search.budget.trials=24'

plan: $(STAMP) ## what STUDY with N workers would take; begins nothing [DATA= ARGS=]
	$(HPO) plan $(STUDY) --workers $(N) $(ON) $(FROM) $(ARGS)

submit: $(STAMP) ## run STUDY with N workers [DATA= ARGS= FOLLOW=1]
	$(HPO) submit $(STUDY) --workers $(N) $(ON) $(FROM) $(FOLLOWED) $(ARGS)

status: $(STAMP) ## how all studies are getting on, or the given STUDY [FOLLOW=1]
	$(HPO) status $(if $(filter file,$(origin STUDY)),,$(STUDY)) $(ON) $(FOLLOWED)

logs: $(STAMP) ## what the workers of STUDY printed [WORKER= FOLLOW=1]
	$(HPO) logs $(STUDY) $(ON) $(if $(WORKER),--worker $(WORKER)) $(FOLLOWED)

scale: $(STAMP) ## let N workers run STUDY
	$(HPO) scale $(STUDY) $(N) $(ON)

stop: $(STAMP) ## stop STUDY so that it can be resumed
	$(HPO) stop $(STUDY) $(ON)

resume: $(STAMP) ## go on with STUDY [N= DATA= ARGS= FOLLOW=1]
	$(HPO) resume $(STUDY) $(if $(filter file,$(origin N)),,--workers $(N)) $(ON) $(FROM) $(FOLLOWED) $(ARGS)

train: $(STAMP) ## train STUDY once, without a search [TRIAL= DATA= ARGS=]
	$(HPO) train $(STUDY) $(if $(TRIAL),--trial $(TRIAL)) $(ON) $(FROM) $(ARGS)

best: $(STAMP) ## the best trial of STUDY; WRITE=configs/NAME.yaml makes it a configuration
	$(HPO) best $(STUDY) $(ON) $(if $(WRITE),--write '$(WRITE)') $(ARGS)

promote: $(STAMP) ## measure the best of STUDY again and promote the winner [TRIAL=]
	$(HPO) promote $(STUDY) $(if $(TRIAL),--trial $(TRIAL)) $(ON)

rollback: $(STAMP) ## go back to the version of STUDY promoted before
	$(HPO) rollback $(STUDY) $(ON)

dashboard: $(STAMP) ## optuna-dashboard on 127.0.0.1:PORT
ifeq ($(BACKEND),docker)
	@$(COMPOSE) up --detach dashboard
	@echo "http://127.0.0.1:$(PORT)/dashboard?token=$$(cat $(SECRETS)/token)"
else
	$(HPO) dashboard $(if $(filter file,$(origin STUDY)),,$(STUDY)) --port $(PORT) $(ON)
endif

# What follows needs torch and the files here, wherever the study ran.
inspect: $(INSTALLED) ## class counts, sizes, duplicates and broken files of STUDY's pictures [DATA= ARGS= OUT=]
	$(BIN)/hpo data inspect $(STUDY) $(FROM) $(INTO) $(ARGS)

evaluate: $(INSTALLED) ## measure the promoted model of STUDY on its held-out pictures or others [DATA= OUT=]
	$(BIN)/hpo evaluate $(STUDY) $(if $(DATA),'$(DATA)') $(INTO)

predict: $(INSTALLED) ## classify DATA, a picture or a folder, with it [OUT=list.csv]
	$(BIN)/hpo predict $(STUDY) $(NEEDED) $(if $(OUT),--csv '$(OUT)')

explain: $(INSTALLED) ## draw what it sees in the picture DATA [OUT=]
	$(BIN)/hpo explain $(STUDY) $(NEEDED) $(INTO)

export: $(INSTALLED) ## write it as ONNX and torch.export, checked against the checkpoint [DATA= OUT=]
	$(BIN)/hpo export $(STUDY) $(if $(DATA),'$(DATA)') $(INTO)

page: $(INSTALLED) ## serve a page to drop pictures on, on 127.0.0.1:PORT
	$(BIN)/hpo demo $(STUDY) --port $(PORT)

report: $(STAMP) ## STUDY as one HTML page [OUT=page.html]
	$(HPO) report $(STUDY) $(ON) $(INTO)

images: ## the worker's and the coordinator's image [BASE_IMAGE= WHEELS= PIP_CONFIG= TAG=]
	$(if $(WHEELS),DOCKER_BUILDKIT=1 $(DOCKER) build --tag hpo-wheels --file docker/wheels.Dockerfile '$(WHEELS)')
	$(BUILD) --tag $(WORKER_IMAGE) $(if $(WORKER_EXTRAS),--build-arg EXTRAS='$(WORKER_EXTRAS)') \
		--file docker/worker.Dockerfile .
	$(BUILD) --tag $(COORDINATOR_IMAGE) --file docker/coordinator.Dockerfile \
		$(if $(WHEELS)$(filter no,$(PGBOUNCER)),--build-arg PGBOUNCER=) .
	$(if $(WHEELS),$(DOCKER) image rm hpo-wheels)

test-images: $(INSTALLED) images ## build the images and run a study in them; needs a Docker engine
	HPO_REQUIRE_DOCKER=1 HPO_WORKER_IMAGE=$(WORKER_IMAGE) HPO_COORDINATOR_IMAGE=$(COORDINATOR_IMAGE) \
		$(BIN)/pytest --durations=5 tests/images tests/coordinator/backends

test-cluster: $(INSTALLED) ## a study's whole life in the cluster of your kubeconfig [OVERLAY= IMAGE_PREFIX= TAG=]
	HPO_TEST_OVERLAY=$(OVERLAY) HPO_TEST_IMAGE_PREFIX=$(IMAGE_PREFIX) HPO_TEST_TAG=$(TAG) \
		$(BIN)/pytest --capture=no tests/live

deploy: $(LIGHT) ## bring OVERLAY into a cluster, or upgrade it [COMPONENTS= NAMESPACE= IMAGE_PREFIX= TAG=]
	$(BIN)/hpo deploy --overlay $(OVERLAY) $(COMPONENTS:%=--component %) \
		$(IMAGE_PREFIX:%=--image-prefix %) --tag $(TAG)

undeploy: $(LIGHT) ## take it away again; volumes stay [VOLUMES=1]
	$(BIN)/hpo undeploy $(if $(VOLUMES),--volumes)

clean: $(if $(wildcard .hpo/postgres),$(INSTALLED)) ## remove this machine's studies, packed data and models (asks for YES=1 where models are)
	@if test -z '$(YES)' && ls artifacts/*/promoted/latest >/dev/null 2>&1; then \
		echo 'make: promoted models would be lost: make clean YES=1' >&2; exit 2; fi
	$(if $(wildcard .hpo/postgres),$(BIN)/hpo shutdown --backend local)
ifeq ($(BACKEND),docker)
	$(if $(wildcard $(SECRETS)/storage),$(HPO) shutdown $(ON))
	$(COMPOSE) down --volumes
else
	@if test -d .hpo/docker; then \
		echo 'make: there are studies in Docker, too: make clean BACKEND=docker' >&2; exit 2; fi
endif
	rm -rf .hpo artifacts
