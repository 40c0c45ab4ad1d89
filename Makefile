# `make report` and `make test` need only GNU make and Python 3.12, 3.13 or 3.14.

CONFIG := configs/us-china-2023.yaml
# Further options of the command, e.g. make report ARGS="--set sampler.draws=2000"
ARGS :=
FUZZ_PAGE := tests/page/test_page_server.py -k random_requests
RECORD := configs/us-china-track-record
TRACK := --ledger reports/track-record.sqlite
VENV := .venv/bin
WORKED := reports/us-china-2023/2023-07-10
FRAME := pyproject.toml tools/install_lock.py tools/find-python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup report check app watch sample backtest-record track-record docs docs-links test test-lowest test-slow fuzz faults bombs endurance fuzz-page torture signals supply wheel lint lint-page bench lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: .venv/.run .venv/.dev  ## make .venv with all that running, testing and linting need
	@echo ".venv is ready; try: make report"

report: .venv/.run  ## run the worked case: reports/us-china-2023/2023-07-10/report.pdf
	$(VENV)/forecast run $(CONFIG) --force $(ARGS)

check: .venv/.run  ## read the worked case back in plain English, without sampling
	$(VENV)/forecast check $(CONFIG) $(ARGS)

app: .venv/.app $(WORKED)/posterior.nc  ## serve the scenario page of the worked case, made first where it is not there; Ctrl-C ends it
	$(VENV)/forecast app $(WORKED) $(ARGS)

$(WORKED)/posterior.nc: | .venv/.run
	$(VENV)/forecast run $(CONFIG) --force

watch: .venv/.run  ## watch the worked list: reports/worked-watchlist/2023-07-09/watch.pdf
	$(VENV)/forecast watch configs/watchlist/watchlist.yaml $(ARGS)

sample: .venv/.run  ## make the committed sample report anew: reports/sample/ (minutes: its history is forecast too)
	rm -rf build/sample
	mkdir -p build/sample
	$(VENV)/forecast ledger hindcast $(CONFIG) --from 2022-01-01 --to 2023-07-01 --ahead milestones --ledger build/sample/ledger.sqlite $(ARGS)
	$(VENV)/forecast run $(CONFIG) --out build/sample $(ARGS)
	rm -rf reports/sample
	cp -R "$$(dirname "$$(find build/sample -name report.pdf)")" reports/sample
	rm -rf reports/sample/posterior.nc reports/sample/report.html reports/sample/figures  # large, and made again by `make report`

backtest-record: .venv/.run  ## backtest the worked list, and the worked case at quarterly origins, for configs/ (minutes)
	rm -rf build/backtest-record
	$(VENV)/forecast backtest $(CONFIG) --origins quarterly --from 2019-01-01 --horizons 30,90,129,180,186,314,365,483,540 --out build/backtest-record $(ARGS)
	mkdir -p $(RECORD)
	cp build/backtest-record/us-china-2023/backtest/scores.json build/backtest-record/us-china-2023/backtest/forecasts.csv $(RECORD)
	$(VENV)/forecast backtest configs/watchlist/watchlist.yaml --out build/backtest-record
	mkdir -p configs/watchlist-track-record
	cp build/backtest-record/worked-watchlist/backtest/scores.json configs/watchlist-track-record

track-record: .venv/.run  ## forecast as of past quarters, resolve and score: reports/track-record.sqlite (minutes)
	$(VENV)/forecast ledger hindcast $(CONFIG) --from 2019-01-01 --to 2022-10-01 $(TRACK) $(ARGS)
	$(VENV)/forecast ledger resolve --events bundled:us-china $(TRACK)
	$(VENV)/forecast ledger score $(TRACK)

docs: .venv/.run .venv/.docs  ## run what the manual shows, and build it as a site: build/docs/html/index.html
	$(VENV)/python tools/docs/shown.py $(ARGS)
	$(VENV)/python tools/docs/build.py

docs-links: .venv/.run .venv/.docs  ## check the links of the manual that lead elsewhere (needs a network)
	$(VENV)/python tools/docs/build.py --builder linkcheck

test: .venv/.run .venv/.dev  ## run the tests
	$(VENV)/python -m pytest -n auto --dist loadfile $(ARGS)

test-lowest: .venv/.run build/lowest/env/.run  ## test with the lowest versions allowed, in an environment of its own, and compare key numbers
	build/lowest/env/bin/python -m pytest -n auto --dist loadfile $(LOWEST_TESTS) $(ARGS)
	$(VENV)/python tools/key_numbers.py --write build/lowest/numbers.json
	build/lowest/env/bin/python tools/key_numbers.py --compare build/lowest/numbers.json

test-slow: .venv/.run .venv/.dev  ## run the statistical checks that take minutes
	$(VENV)/python -m pytest -m slow $(ARGS)

fuzz: .venv/.run .venv/.dev  ## damage every input at random: 3,000 cases a reader and 10,000 requests to the page (an hour)
	$(VENV)/python tools/attack/damage.py $(ARGS)
	FUZZ_CASES=10000 $(VENV)/python -m pytest $(FUZZ_PAGE)

bombs: .venv/.run .venv/.dev  ## try small inputs that could cost much: each ends with a message within 2 s and 500 MB
	$(VENV)/python tools/attack/bombs.py $(ARGS)

fuzz-page: .venv/.run .venv/.dev  ## send 10,000 damaged requests to the scenario page of a small run
	FUZZ_CASES=10000 $(VENV)/python -m pytest $(FUZZ_PAGE) $(ARGS)

faults: .venv/.run .venv/.dev  ## put 1,000 faults into feeds of events: each seen, refused or harmless (minutes)
	$(VENV)/python tools/attack/faults.py $(ARGS)

endurance: .venv/.run .venv/.dev  ## make 500 forecasts in one process: no memory and no open file may be left behind (minutes)
	$(VENV)/python tools/attack/endurance.py $(ARGS)

torture: .venv/.run .venv/.dev  ## kill commands, and cut the power, at every file operation (an hour; ARGS="--most 8")
	$(VENV)/python tools/attack/torture.py $(ARGS)

signals: .venv/.run .venv/.dev  ## send 200 signals at random moments to five commands, half while code is compiled (an hour)
	$(VENV)/python tools/attack/signals.py $(ARGS)

supply: .venv/.run .venv/.dev  ## check licences and advisories of what is installed; write build/sbom.json (CycloneDX)
	$(VENV)/python tools/supply.py --sbom build/sbom.json $(ARGS)

wheel: .venv/.run  ## build the wheel and try it in an environment of its own: the worked case, its report
	tools/try-wheel

lint: .venv/.run .venv/.dev  ## check style, types, the import contract and spelling
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy --strict
	$(VENV)/lint-imports
	$(VENV)/codespell

lint-page: .venv/.run  ## check the types of the page's JavaScript (needs node and npm)
	mkdir -p build/page/types
	$(VENV)/python tools/page/record_types.py > build/page/types/records.d.ts
	cp tools/page/package.json tools/page/package-lock.json build/page
	npm ci --prefix build/page --no-audit --no-fund --silent
	build/page/node_modules/.bin/tsc -p tools/page

bench: .venv/.run  ## score every model and baseline on a bed: ARGS="--bed panel --data FOLDER"; the worked case's otherwise
	$(VENV)/python tools/bench.py $(or $(ARGS),--bed us-china)

lock:  ## pin the dependencies anew (for maintainers, with uv; ARGS=--upgrade moves the pins)
	uv pip compile $(PIN) $(UNUSED) pyproject.toml --group build -o requirements.lock
	uv pip compile $(PIN) --group extras -c requirements.lock -o requirements-app.lock
	uv pip compile $(PIN) $(UNUSED) --no-emit-package pip --group dev -c requirements.lock -c requirements-app.lock -o requirements-dev.lock
	uv pip compile $(PIN) --group docs -c requirements.lock -c requirements-dev.lock -o requirements-docs.lock
	uv pip compile $(PIN) --resolution lowest-direct pyproject.toml $(LOWEST:%=--extra %) --group build --group test -o requirements-lowest.lock

# What nutpie declares and needs only to hand draws to other libraries (pyarrow) or to a Zarr store: none is imported here.
UNUSED := $(addprefix --no-emit-package ,donfig google-crc32c msgspec numcodecs obstore pyarrow zarr)
# Extras whose lower bounds are locked too.
LOWEST := app cluster excel mcp
LOWEST_TESTS := $(addprefix tests/,baselines cli config evaluation families pooled_hazard priors streams wording \
	models/test_density_is_the_definition.py workflows/test_numbers_stay_the_same.py)

clean:  ## remove .venv, caches and build leavings; reports stay
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find forecast tests -name __pycache__ -type d -prune -exec rm -rf {} +

PIN = --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --no-annotate $(ARGS)

INSTALL = python=$$(tools/find-python /usr/bin/python3.* /usr/local/bin/python3.*) && $$python tools/install_lock.py

# A set-up that was cut short is made anew, even where the stamp of an earlier one is left.
ifneq (,$(wildcard .venv/.unfinished))
.PHONY: .venv/.run
endif

# One environment, and locks that agree on what they share: to run, to test, to build the manual.
.venv/.run: requirements.lock $(FRAME)
	@$(INSTALL) requirements.lock $@

.venv/.app: requirements-app.lock .venv/.run
	@$(INSTALL) requirements-app.lock $@

.venv/.dev: requirements-dev.lock .venv/.run
	@$(INSTALL) requirements-dev.lock $@

build/lowest/env/.run: requirements-lowest.lock $(FRAME)
	@$(INSTALL) requirements-lowest.lock $@

.venv/.docs: requirements-docs.lock .venv/.run
	@$(INSTALL) requirements-docs.lock $@
