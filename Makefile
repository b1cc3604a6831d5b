# make demo    sets everything up and opens JupyterLab at the first notebook
# make test    the same set-up, then every check and every test
#
# Each environment is built once; a stamp in it says so. PYTHON=python3.12 names another Python for both.

PYTHON ?= python3
CONSTRAINTS := constraints/newest.txt

INSTALLED := .venv/.installed
COLAB_PINS := .venv-colab/.pins
COLAB := .venv-colab/.installed
MARIMO := .venv-marimo/.installed
NODE_MODULES := js/node_modules/.installed
BUNDLE := shapewidget/static/graph_view.js
FIRST_NOTEBOOK := notebooks/01_first_look.ipynb

PACKAGE_SOURCES := pyproject.toml hatch_build.py $(shell find shapewidget -name '*.py')
JS_SOURCES := $(wildcard js/*.*) $(shell find js/src -type f)

# A terminal on another machine has no display to open a browser on; JupyterLab then prints its address only.
HAS_DISPLAY := $(or $(filter-out Linux,$(shell uname)),$(DISPLAY),$(WAYLAND_DISPLAY))
LAB_OPTIONS := $(if $(HAS_DISPLAY),,--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: demo test check docs test-js test-notebooks test-python install colab marimo bundle tools browser clean
.NOTPARALLEL:

demo: install
	.venv/bin/jupyter lab $(LAB_OPTIONS) --LabApp.default_url=/lab/tree/$(FIRST_NOTEBOOK)

test: browser check docs test-js test-notebooks test-python

check: install
	scripts/check

# The site of the documentation, in artifacts/site.
docs: install
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet

test-js: bundle
	cd js && npm test

test-notebooks: install
	.venv/bin/jupyter nbconvert --execute --to notebook --output-dir artifacts/notebooks notebooks/*.ipynb

test-python: install colab marimo
	.venv/bin/pytest

install: bundle $(INSTALLED)
colab: $(COLAB)
marimo: $(MARIMO)
bundle: $(BUNDLE)

tools:
	@scripts/check-tools $(PYTHON)

browser:
	@scripts/find-browser

# PyTorch comes first and alone, so that pip takes the build for this machine that it may have at hand.
$(INSTALLED): pyproject.toml $(CONSTRAINTS) | tools $(BUNDLE)
	$(PYTHON) -m venv --upgrade-deps .venv
	.venv/bin/pip install --quiet -c $(CONSTRAINTS) torch
	.venv/bin/pip install --quiet -c $(CONSTRAINTS) --group dev --editable .
	touch $@

$(COLAB_PINS): constraints/colab.txt constraints/colab-frameworks.txt $(CONSTRAINTS) | tools
	$(PYTHON) -m venv --upgrade-deps .venv-colab
	.venv-colab/bin/pip install --quiet -c $(CONSTRAINTS) torch
	.venv-colab/bin/pip install --quiet -r constraints/colab.txt -r constraints/colab-frameworks.txt
	touch $@

# The wheel itself, as a user installs it: it may bring nothing, and change nothing.
$(COLAB): $(COLAB_PINS) $(PACKAGE_SOURCES) $(BUNDLE) $(INSTALLED)
	rm -rf dist
	.venv/bin/pip wheel --quiet --no-deps --wheel-dir dist .
	.venv-colab/bin/pip uninstall --quiet --yes shapewidget
	.venv-colab/bin/pip freeze > .venv-colab/before.txt
	.venv-colab/bin/pip install --quiet dist/shapewidget-*.whl
	.venv-colab/bin/pip freeze --exclude shapewidget | diff .venv-colab/before.txt -
	touch $@

# marimo holds back packages of the documentation.
$(MARIMO): pyproject.toml $(CONSTRAINTS) | tools $(BUNDLE)
	$(PYTHON) -m venv --upgrade-deps .venv-marimo
	.venv-marimo/bin/pip install --quiet -c $(CONSTRAINTS) marimo --editable .
	touch $@

$(NODE_MODULES): js/package.json js/package-lock.json | tools
	cd js && npm ci
	touch $@

$(BUNDLE): $(NODE_MODULES) $(JS_SOURCES)
	cd js && npm run build

clean:
	rm -rf .venv .venv-colab .venv-marimo js/node_modules shapewidget/static dist artifacts
