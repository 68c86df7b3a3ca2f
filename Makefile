# For people: every target is one CMake or shell command that can be run by hand too.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: all demo check fast bench wheel install fuzz format clean

all: ## build the release binaries
	cmake --preset release >/dev/null
	cmake --build build/release -j $(JOBS)

demo: ## install what is missing, build, fetch ONNX Runtime and compare a real model
	tools/setup.sh build
	$(MAKE) all
	tools/demo.sh build/release/polygraphy

check: ## build with ASan and UBSan and pass all tests
	tools/setup.sh build test
	tools/check.sh

fast: ## the tests that take seconds, without sanitizers
	cmake --preset debug >/dev/null
	cmake --build build/debug -j $(JOBS)
	ctest --test-dir build/debug -L fast --output-on-failure -j $(JOBS)

bench: all ## measure against the reference; needs `make check` to have run once
	cmake --build build/release -j $(JOBS) --target bench
	PX_ORACLE_PYTHON=$(CURDIR)/.venv-0.53.6/bin/python VIRTUAL_ENV=$(CURDIR)/.venv-0.53.6 \
		python3 bench/bench.py build/release/polygraphy

fuzz: ## build the fuzz targets (clang) and run each for FUZZ_SECONDS (default 60)
	tools/fuzz.sh

wheel: all ## the Python package, with the library inside: build/release/wheel/*.whl
	cmake --build build/release -j $(JOBS) --target wheel

install: all
	cmake --install build/release --prefix $(PREFIX)

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build
