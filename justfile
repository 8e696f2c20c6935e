# The chores by name. `just` lists them; every recipe is one or two plain commands.

python := ".venv/bin/python"

# List the recipes.
default:
    @just --list

# Make .venv with everything: tests, lint, notebooks.
setup:
    python3 -m venv .venv
    .venv/bin/pip install -c constraints.txt -e '.[test,lint,notebook]'

# The main job, on the sample in data/.
sample:
    .venv/bin/tallybook nightly

# The fast suite; `just test -k invoice` runs a part of it.
test *arguments:
    .venv/bin/pytest {{arguments}}

# What takes half a second or more; .ci/run tries it with every change, beside the fast suite.
test-long:
    .venv/bin/pytest -m 'long and not slow'

# What takes longer than every change may.
test-slow:
    .venv/bin/pytest -m slow

# Every test, and every question put to the engine anew: the fast suite puts equal ones to it once (tests/support/counted_once.py).
test-all:
    .venv/bin/pytest -m 'slow or not slow'

# Style and format.
lint:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .

# Put everything into the one format.
format:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# Types, strictly.
types:
    .venv/bin/mypy

# Imports point downwards.
contracts:
    .venv/bin/lint-imports

# Everything that must pass, from scratch in a fresh environment.
ci:
    .ci/run

# Side by side with what a user would write otherwise.
bench *arguments:
    {{python}} -m benchmarks {{arguments}}

# Change one thing at a time in the SQL, the kernel, the protocol of storage and the rules: some test must notice each. Takes hours (`pip install -e '.[test,mutants,kernel]'`).
mutants:
    {{python}} -m benchmarks.mutants sql
    {{python}} -m benchmarks.mutants kernel
    {{python}} -m benchmarks.mutants protocol
    {{python}} -m benchmarks.mutants python --of rating
    {{python}} -m benchmarks.mutants python --of reading
    {{python}} -m benchmarks.mutants python --of dedupe

# Faults at every step of a workspace's life: deaths, damaged files, power cuts, kills, refusals (injected, and by the machine itself), rivals, logs that move. Takes hours.
faults *arguments:
    {{python}} tests/faults/run.py {{arguments}}

# Make data/logs again (the same bytes, unless the maker changed).
make-sample:
    {{python}} benchmarks/inputs/make_sample.py

# Run the commands in README.md and docs/, and write what they print into them.
docs:
    {{python}} tests/house/documented.py

# Execute the notebook on the sample and keep its outputs.
notebook:
    {{python}} tests/notebooks/execution.py

# Pin what a fresh environment installs today.
pin:
    rm -rf .venv-pin && python3 -m venv .venv-pin
    .venv-pin/bin/pip install -e '.[test,lint,import]'
    (sed '/^[^#]/d' constraints.txt; .venv-pin/bin/pip freeze --exclude-editable) > constraints.new
    mv constraints.new constraints.txt && rm -rf .venv-pin
