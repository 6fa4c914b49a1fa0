# The one front door, for technicians and developers; `make` prints what there is. Works with make 3.81 and POSIX sh.
# Every target sets up what it needs through the stamp files in .venv. Nothing here needs root, and nothing outside
# this folder is changed but the cache of test services (see tests/services/setup.sh).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
PY_SOURCES := .ci collector dashboards firmware tests
BOX_SOURCES := $(shell find firmware -name '*.py' 2>/dev/null) firmware/making/rom.txt
WORKERS ?= 3
T ?= tests

# Set on the command line; see help.
PYTHON ?=
ifneq ($(MICROPYTHON),)
export MICROPYTHON
endif
on = $(filter-out 0 no false,$(1))

help: ## 本列表 / this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  demo:  SECONDS=30 stops by itself, PORT=9000, FAULTS=1 kills things at random, SEED=1, KEEP=folder, EN=1 English"
	@echo "  test:  T=tests/firmware only these, SERVICES=1 builds what is missing (as CI does), WORKERS=3"
	@echo "  flash: PORT=/dev/ttyUSB0 (all USB ports if none), KEEP_JOURNAL=1 leaves a chip the box it is; docs/CONSOLE.md"
	@echo "  bundle: MACHINES=x86_64 only that one (both by default), EXTRA=folder of further packages, PYTHONS='3.11 3.13',"
	@echo "         FIRMWARE=official .bin and its SHA256= for a depot that flashes boxes without a network"
	@echo "  all:   PYTHON=python3.12 another Python, MICROPYTHON=file another interpreter for the boxes"

# --- the environment ---------------------------------------------------------------------------------------------

$(VENV)/.made:
	@python=`sh .ci/python "$(PYTHON)"` || exit 1; \
	echo "Making $(VENV) with $$python"; "$$python" -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing what manyi needs (requirements.lock, hashes checked)"
	@sed '/^# --- dev ---/,$$d' requirements.lock > $(VENV)/run.lock
	@$(PIP) install --require-hashes -r $(VENV)/run.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing what development needs (requirements.lock, hashes checked)"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

setup: $(VENV)/.dev ## 建好 .venv，供编辑器用 / make .venv with everything, for an editor

# --- the product ---------------------------------------------------------------------------------------------------

build/firmware/.made: $(VENV)/.run $(BOX_SOURCES)
	@$(PY) firmware/build.py
	@touch $@

firmware: build/firmware/.made ## 编译评价器固件到 build/firmware / compile the box's firmware

demo: build/firmware/.made ## 本机上的一座小城：评价器、消息服务器、采集服务、大屏 / a small city on this machine
	@$(BIN)/manyi demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(PORT),--port $(PORT)) $(if $(call on,$(FAULTS)),--faults) \
	    $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep $(KEEP)) $(if $(call on,$(EN)),--lang en)

flash: $(VENV)/.dev build/firmware/.made ## 烧录 / flash boards: FIRMWARE=official .bin, SHA256=digits or list, PORT=; BOARD= HANDOVER= SITE= BOX=
	@$(PY) firmware/image.py --board $(or $(BOARD),esp32_devkitc) --firmware "$(FIRMWARE)" --sha256 "$(SHA256)" --out build/flash/image.bin
	@$(BIN)/manyi box flash --image build/flash/image.bin $(foreach p,$(PORT),--port $(p)) $(if $(HANDOVER),--handover "$(HANDOVER)") \
	    $(if $(SITE),--site "$(SITE)") $(if $(BOX),--box $(BOX)) $(if $(call on,$(KEEP_JOURNAL)),--keep-journal)

bundle: $(VENV)/.dev build/firmware/.made ## 内网安装包 / an installation for a closed network: build/bundle/*.tar.gz; EXTRA=folder travels along
	@$(PY) collector/deploy/bundle/make.py $(foreach m,$(MACHINES),--machine $(m)) $(foreach p,$(PYTHONS),--python $(p)) $(if $(EXTRA),--extra "$(EXTRA)") \
	    $(if $(FIRMWARE),--firmware "$(FIRMWARE)" --sha256 "$(SHA256)")

up: ## 用容器启动全部 / start everything in containers (needs Docker and make bundle; HOST=name, WALL=name the first time)
	@HOST="$(HOST)" WALL="$(WALL)" sh collector/deploy/compose/up.sh

down: ## 停止容器，数据和密钥保留 / stop the containers; data and secrets stay
	@sh collector/deploy/compose/up.sh down

# --- checks --------------------------------------------------------------------------------------------------------

lint: $(VENV)/.dev ## 代码检查 / ruff, formatting, import rules
	@$(BIN)/ruff check $(PY_SOURCES)
	@$(BIN)/ruff format --check $(PY_SOURCES)
	@$(BIN)/lint-imports --no-logo

types: $(VENV)/.dev ## 类型检查 / mypy --strict; the board's port against the stubs of its MicroPython
	@$(BIN)/mypy
	@$(PY) .ci/firmware_types.py

format: $(VENV)/.dev ## 统一格式 / rewrite the sources as ruff wants them
	@$(BIN)/ruff check --fix $(PY_SOURCES)
	@$(BIN)/ruff format $(PY_SOURCES)

size: $(VENV)/.dev build/firmware/.made ## 固件预算：大小、内存、擦除 / hold the firmware to firmware/budget.toml: bytes, heap, erases; a minute
	@$(PY) firmware/build.py --check
	@$(PY) -m pytest -q -n 0 -rs tests/firmware/test_sim_heap.py tests/firmware/test_journal.py -k "heap or erases"

services: $(VENV)/.dev ## 安装测试用的服务 / install or build what tests use: Mosquitto, influxd, a browser
	@SERVICES=1 sh tests/services/setup.sh

test: lint types build/firmware/.made ## 全部检查，约一刻钟 / everything CI runs: lint, types, size, all tests; a quarter of an hour
	@$(PY) firmware/build.py --check
	@sh tests/services/setup.sh
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile $(T)

quick: $(VENV)/.dev build/firmware/.made ## 快速测试，不需要服务 / the tests that take seconds, without services
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile --ignore=tests/system -m "not slow" $(T)

bench: $(VENV)/.dev build/firmware/.made ## 性能数据 / the figures: latencies, CPU per rating, erases, heap
	@$(PY) -m tests.bench

soak: $(VENV)/.dev build/firmware/.made ## 长跑 / a box at an ESP32's heap, 100,000 presses, a flapping TLS link: half an hour; PRESSES=1000
	@$(PY) -m tests.firmware.soak $(PRESSES)

coverage: $(VENV)/.dev build/firmware/.made ## 固件覆盖率 / lines of the firmware that its tests run, measured on MicroPython: ten minutes
	@$(PY) -m tests.firmware.probes

docs: $(VENV)/.dev ## 重写 docs/CLI.md / rewrite docs/CLI.md from the commands' own help
	@$(PY) -m tests.docs.cli_page

dashboards: $(VENV)/.dev ## 重做看板 / rebuild dashboards/out and dashboards/provisioning from their code
	@$(PY) -W ignore::DeprecationWarning -m dashboards.build

# --- upkeep --------------------------------------------------------------------------------------------------------

lock: $(VENV)/.made ## 重新锁定依赖 / resolve requirements.lock anew; UPGRADE=1 takes newer versions
	@$(PIP) install uv
	@mkdir -p build
	@$(PY) .ci/lock.py $(BIN)/uv build $(if $(call on,$(UPGRADE)),--upgrade)

clean: ## 清除 make 生成的一切 / remove what make has made: .venv, build, caches
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup firmware demo flash bundle up down lint types format size services test quick bench soak coverage docs dashboards lock clean
