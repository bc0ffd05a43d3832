# make demo: install into .venv and run the search on the embedded data set (under five minutes on two CPU cores)
# make test: install the development tools too, then ruff, mypy and pytest
# make docs: the documentation as pages, in build/site
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test lint docs clean

demo: .venv/.installed
	$(BIN)/scaling-search run --baseline b0 --phi 1

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html (its search needs a server: mkdocs serve)"

clean:
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache

.venv/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scaling-search needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/pip pyproject.toml constraints.txt
	@echo "installing scaling-search into .venv (torch with CUDA is some 3 GB; a few minutes)"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,zoo,export,trackers,docs]'
	$(BIN)/pip install --quiet --no-deps pycls==0.1.1 simplejson==4.3.0 # its opencv would take the headless one's place
	touch $@
