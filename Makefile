# Muster: make help lists the targets.
.PHONY: run build test bench trace crash fuzz fresh soak oracle help ui setup

help:
	@echo "make run     installs what is missing, builds, starts Muster on this machine, and shows how to submit"
	@echo "make build   builds the release program build/bin/muster with its web console"
	@echo "make test    everything that proves it works; ends with a table of seconds per suite"
	@echo "make bench   the benchmarks: 1000 one-second jobs, requests per second, the engine's cases"
	@echo "make trace   how full a real cluster gets: 14 lists of pods, 7 policies, 10 seeds, beside the published figures"
	@echo "make crash   1000 kills of the running program (make test does 100)"
	@echo "make fuzz    every fuzz target for 60 seconds"
	@echo "make soak    the engine's invariants over 10^9 random steps"
	@echo "make oracle  the engine against brute force on 100 000 small worlds of each kind"
	@echo "make fresh   the README's two commands in an empty Debian (needs root and debootstrap)"

run: build
	@exec build/bin/muster up $(UP)

build:
	@tools/setup.sh run
	@ui/build.sh
	@tools/build.sh release muster
	@mkdir -p build/bin && ln -sf ../release/apps/muster build/bin/muster

test:
	@tools/setup.sh test
	@python3 tools/test.py $(SUITES)

bench: build
	@python3 tests/bench/bench.py

trace: build
	@python3 tests/bench/trace.py

crash: build
	@python3 tests/e2e/crash.py --kills 1000

fuzz:
	@tools/setup.sh test
	@tools/fuzz.sh 60

soak: build
	@python3 tests/sim/fuzz.py 1000000000

oracle:
	@tools/setup.sh test
	@tools/build.sh release sim_test
	@MUSTER_ORACLE_WORLDS=100000 build/release/sim/sim_test --test-suite=oracle

fresh:
	@tools/fresh.sh
