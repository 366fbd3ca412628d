# The verbs of the house. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
export CAREWAY_ENVIRONMENT := development
# Whatever the shell says: without bytecode every start would compile all packages anew.
export PYTHONDONTWRITEBYTECODE :=

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "Longer:"
	@awk -F ':.*##> ' '/^[a-z-]+:.*##> / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv ## Serve on http://127.0.0.1:8000 with an embedded PostgreSQL and demo data (PORT=…)
	@CAREWAY_PORT=$(PORT) exec $(BIN)/python manage.py run

test: .venv ## Every test, in parallel (ARGS="-k word" narrows)
	@$(BIN)/python -m pytest $(ARGS)

lint: .venv ## Style, types, import law, migrations, OpenAPI
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@DJANGO_SETTINGS_MODULE=tests.settings CAREWAY_LOG_LEVEL=ERROR $(BIN)/python manage.py lintmigrations --quiet ok
	@$(BIN)/python manage.py check_openapi
	@$(BIN)/zizmor --offline --quiet --no-progress .github/workflows
	@$(BIN)/python -m observability.check

format: .venv ## Lay out the code, and write the tables of settings and of the chart's values
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/python manage.py document_settings ; $(BIN)/python -m tests.chart.document ; $(BIN)/python -m terraform.document ; $(BIN)/python -m observability.dashboards

# A measurement is what begins with an environment of the bench; the rest of bench/ is what they are made of.
MEASUREMENTS = $(shell grep -lE '^import bench\.(environment|own_database)' bench/*.py)
bench: .venv ##> Measure beside other stacks and write docs/performance.md, and the measurements behind decisions: hours
	@for each in $(patsubst bench/%.py,%,$(MEASUREMENTS)); do $(BIN)/python -m bench.$$each || exit 1; done
	@$(BIN)/python -m bench.report

bench-quick: .venv ##> The requests beside other stacks, on a fiftieth of the data: less than 3 minutes
	@$(BIN)/python -m bench.reads --quick

bench-check: .venv ##> Whether all stacks answer the same, and no result is missing; runs the main measurements small, and no number counts
	@$(BIN)/python -m bench.reads --check
	@for each in ingestion scale; do $(BIN)/python -m bench.$$each --check || exit 1; done
	@$(BIN)/python -m bench.profile --quick >/dev/null && $(BIN)/python -m bench.statements >/dev/null

drill: .venv ##> Minutes of real faults: kills, restarts, dead collectors; prints a table (ARGS="-k word" narrows)
	@$(BIN)/python -m pytest drill -n 2 --dist loadfile $(ARGS)

observe: .venv ## See it: collector, Prometheus, Loki, Jaeger and Alertmanager beside `make run`, by Docker or from PATH
	@exec $(BIN)/python -m observability.observe
prove-telemetry: .venv ##> Metrics, logs and traces in their real stores; alerts that fire and clear; minutes (ARGS="-k word" narrows)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -p no:cacheprovider tests/telemetry $(ARGS)

# Docker where its daemon answers, else buildah. BUILD_FLAGS go to it: see docs/operating.md.
image: ##> Build the image (REGISTRY=… TAG=… SOURCE=… BASE=…@sha256:… BUILD_FLAGS="…"): about a minute
	@$(PYTHON) -m docker.build --registry "$(REGISTRY)" --tag "$(TAG)" --source "$(SOURCE)" --base "$(BASE)" -- $(BUILD_FLAGS)

image-report: .venv ##> Size of the image, time to ready with one CPU, memory of an idle worker: measured here (IMAGE=…)
	@$(BIN)/python -m tests.image.report $(addprefix --image=,$(IMAGE))

image-sbom: ##> The packages of the image, Debian's and Python's, as CycloneDX in build/ (IMAGE=…)
	@$(PYTHON) -m docker.sbom $(addprefix --image=,$(IMAGE))

# What may hold quotes and blanks comes from the shell's environment, where they do no harm.
publish: .venv ##> Image, its packages and the chart to a registry, tied by digest (REGISTRY=… BASE=…@sha256:… POSTGRES=…@sha256:…)
	@$(BIN)/python -m docker.publish --registry "$(REGISTRY)" --tag "$(TAG)" --base "$(BASE)" --postgres "$(POSTGRES)" \
	  --source "$(SOURCE)" --image "$(IMAGE)" --sbom "$(SBOM)" --trial "$(TRIAL)" --sign "$$CAREWAY_SIGN" \
	  --authority "$$CAREWAY_REGISTRY_CA" --docker-login "$${DOCKER_CONFIG:-$$HOME/.docker}/config.json" -- $(BUILD_FLAGS)

# On the cluster of KUBECONFIG, from the registry of CAREWAY_REGISTRY: docs/operating.md, On Kubernetes.
PROVE = $(BIN)/python -m pytest -n 0 -p no:cacheprovider --junitxml build/proof.xml -o junit_family=xunit1
prove: .venv ##> Every promise of a release, tried on a real cluster: build/proof.json (ARGS="-k word" narrows)
	@$(PROVE) tests/cluster/test_promises.py $(ARGS)
prove-quick: .venv ##> The promises that take less than 8 minutes in all; names those that it leaves out
	@CAREWAY_PROOF_QUICK=yes $(PROVE) tests/cluster/test_promises.py $(ARGS)
prove-mutations: .venv ##> Each promise is seen to fail when it is broken on purpose
	@$(PROVE) tests/cluster/test_mutations.py $(ARGS)

# Their versions pin others that the house has newer, so they have an environment of their own.
chart-scan: .venv .scanners ##> Static scanners over the rendered chart and the Dockerfile; tests/chart/skips.yaml says why not
	@$(BIN)/python -m tests.chart.scan .scanners/bin
.scanners: .scanners/made-from-lock
.scanners/made-from-lock: requirements/scanners.txt
	@echo "Making .scanners from its hash-pinned lock (once) …" >&2
	@rm -rf .scanners && $(PYTHON) -m venv .scanners
	@.scanners/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/scanners.txt
	@cp requirements/scanners.txt .scanners/made-from-lock

# The ground on AWS: docs/aws.md. What is planned, applied and asked is the environment ENV: dev, staging or production.
check-terraform: .venv ##> The ground's format, tables, validity and module tests, offline: less than 3 minutes
	@$(BIN)/python -m terraform.check
prove-terraform: .ground ##> The ground of dev and of production built on a double of AWS, its promises asked, and taken away again
	@.ground/bin/python -m pytest -c terraform/tests/pytest.ini terraform/tests $(ARGS)
ground-scan: .scanners ##> Static scanners over the ground; each skip has its reason beside it
	@# Checkov cannot read the files of `terraform test`, which build nothing.
	@.scanners/bin/checkov --directory terraform --skip-path terraform/tests --framework terraform --skip-download --compact --quiet
	@.scanners/bin/trivy config --skip-check-update --quiet --exit-code 1 --misconfig-scanners terraform terraform
plan: .venv ##> What an apply would do to the ground (ENV=…)
	@$(BIN)/python -m terraform.plan plan "$(ENV)"
apply: .venv ##> Do what the plan said (ENV=…)
	@$(BIN)/python -m terraform.plan apply "$(ENV)"
drift: .venv ##> What of the ground is no longer as the repository says: a table, and build/terraform/ENV-drift.json (ENV=…)
	@$(BIN)/python -m terraform.drift "$(ENV)"
cost: .venv ##> What of the ground is paid for, times the prices you filled in (ENV=…)
	@$(BIN)/python -m terraform.cost "$(ENV)"
values: .venv ##> The values of each release on the ground, in build/values/ENV (ENV=…)
	@$(BIN)/python -m terraform.values "$(ENV)"
.ground: .ground/made-from-lock
.ground/made-from-lock: requirements/ground.txt
	@echo "Making .ground from its hash-pinned lock (once) …" >&2
	@rm -rf .ground && $(PYTHON) -m venv .ground
	@.ground/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/ground.txt
	@cp requirements/ground.txt .ground/made-from-lock

# Not secrets: what tests and documents make up, the UUID of RFC 9562, the trace of W3C's Trace Context, the hashes of triggers, digests that tests pin.
MADE_UP := ^(password|hunter2|secret|short|s|p%40ss|only-of-these-tests|made-up(-.*)?|first|…|01890a5d[0-9a-f-]+|0af7651916cd43dd8448eb211c80319c)$$
# Where secrets are, and by which way they are read: words of the ground.
PLACES := ^((StringLike )?arn:aws:.*|alias/made-up|secretsmanager\.eu-central-1\.amazonaws\.com|pod-identity|irsa|keys|(careway-dev|hospital|consultations)[-/ ].*)$$
DIGESTS := hash="[0-9a-f]{40}"|digest\(.*\) == "[0-9a-f]{64}"
secrets: .venv ##> Secrets in the repository, and in files that are not committed yet
	@git ls-files -z --cached --others --exclude-standard | xargs -0 $(BIN)/detect-secrets-hook --no-verify --exclude-secrets '$(MADE_UP)' --exclude-secrets '$(PLACES)' --exclude-lines '$(DIGESTS)'
audit: secrets ##> Secrets, and known vulnerabilities of the lock
	@# What the vulnerability service does not know, or does not answer, was not audited: --strict fails then.
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/runtime.txt || \
	  { echo "The lock has known vulnerabilities, or could not be audited: see above." >&2; exit 1; }

token: .venv ## A development token on stdout (SCOPE="…" SUBJECT=… ORGANIZATION=…)
	@$(BIN)/python manage.py token --scope "$(SCOPE)" --subject "$(SUBJECT)" --organization "$(ORGANIZATION)"

migrations: .venv ## Write migrations for changed models
	@$(BIN)/python manage.py makemigrations

lock: .venv ## Compile the locks from pyproject.toml, with hashes and without an index host
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --group dev --group bench pyproject.toml -o requirements/development.txt $(UPGRADE)
	@# From the development lock, so that what is tested is what runs (phenopackets holds protobuf below 7 in both).
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  -c requirements/development.txt pyproject.toml -o requirements/runtime.txt $(UPGRADE)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --group pyproject.toml:scan -o requirements/scanners.txt $(UPGRADE)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --group pyproject.toml:ground -o requirements/ground.txt $(UPGRADE)

clean: ## Remove the environment and everything that run and test wrote
	@rm -rf .venv .scanners .ground .careway .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis

# The one environment of every verb. Made anew, from nothing, whenever the lock changes; the mark is written last, so an
# interrupted installation is made again.
.venv: .venv/made-from-lock
.venv/made-from-lock: requirements/development.txt
	@echo "Making .venv from the hash-pinned lock (once) …" >&2
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/development.txt
	@cp requirements/development.txt .venv/made-from-lock

.PHONY: help run test lint format observe bench bench-quick bench-check drill prove-telemetry image image-report image-sbom publish prove prove-quick \
  prove-mutations chart-scan check-terraform prove-terraform ground-scan plan apply drift cost values secrets audit token migrations \
  lock clean .venv .scanners .ground
