# `make demo` starts Watchbill with demo data; `make test` runs every gate. Neither needs anything
# but a Python 3.12 to 3.14 (PYTHON=/path/to/python names one).
.PHONY: demo test lint checks bench mutants soak
export PYTHON

demo:
	@.ci/setup
	@.venv/bin/python manage.py up --demo

test:
	@.ci/setup test
	@.ci/gates

lint:
	@.ci/setup test
	@.ci/gates lint

# A line per check of docs/requirements.md. The run that proves them goes to standard error.
checks:
	@.ci/setup test
	@mkdir -p var && rm -f var/checks.txt
	@.venv/bin/python -m pytest -n auto -q -m check --checks var/checks.txt >&2; \
		status=$$?; cat var/checks.txt && { [ $$status = 0 ] || [ $$status = 5 ]; }

bench:
	@.ci/setup test
	@.venv/bin/python -m tests.benchmarks

mutants:
	@.ci/setup test
	@.venv/bin/python -m tests.mutants

# Storms, kills, stops and full disks again and again, then fuzzing of whatever reads strangers'
# bytes: `make soak MINUTES=60 FUZZ_MINUTES=10`. Without atheris hypothesis fuzzes.
MINUTES ?= 60
FUZZ_MINUTES ?= 10
soak:
	@.ci/setup soak || .ci/setup test
	@.venv/bin/python -m tests.survival --minutes $(MINUTES)
	@.venv/bin/python -m tests.fuzzing --minutes $(FUZZ_MINUTES)
