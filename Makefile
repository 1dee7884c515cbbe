# Two commands do it all: `make run` and `make test`.
SHELL := /bin/bash
.DELETE_ON_ERROR:

.PHONY: help run test unit e2e tidy fuzz bench bench-all build clean

help:
	@printf '%s\n' \
	  'make run    install what is missing, build, start the gateway with a demo; Ctrl-C stops all of it' \
	  'make test   install what the tests need and run them all, against real servers and clients' \
	  'make bench  direct, PgBouncer, HAProxy, a bare proxy and Sallyport in one run; writes bench/results.json' \
	  'make bench-all  large results, a replay server, memory, neighbours and the rest of the marks; PARTS="large idle" for some' \
	  'make tidy   formatting, lints, dependency law, licences' \
	  'make fuzz   each fuzz target for FUZZ_SECONDS (60)'

run:
	@scripts/install.sh run
	@scripts/demo.sh

build:
	@scripts/install.sh build
	cargo build --release --locked --bin sallyport

test:
	@scripts/install.sh test
	@scripts/test.sh

tidy:
	@scripts/install.sh tidy
	cargo xtask tidy

fuzz:
	@scripts/install.sh build
	cargo xtask fuzz

bench:
	@scripts/install.sh bench
	cargo build --release --locked --bin sallyport
	cargo run --release --locked --package sallyport-bench

# The programs that measure one core stand beside what they measure.
bench-all:
	@scripts/install.sh bench
	cargo build --release --locked --bin sallyport
	cargo build --release --locked --package sallyport-core --example scan_speed
	cargo build --release --locked --package sallyport-record --example speed
	cargo build --release --locked --package sallyport-policy --example cost
	cargo run --release --locked --package sallyport-bench -- $(or $(PARTS),all)

clean:
	cargo clean
	rm -rf .run .venv
