#!/usr/bin/env bash
# Everything that must hold, in the order that fails soonest. Prints the versions it ran against.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
step() { printf '\n== %s (%ss)\n' "$1" "$((SECONDS - started))"; }

step "versions"
rustc --version
cargo --version
node --version
java -version 2>&1 | head -1
psql --version
/usr/lib/postgresql/*/bin/postgres --version
.venv/bin/python -c 'import psycopg; print("psycopg", psycopg.__version__)'
node -p '"node-postgres " + require("./e2e/clients/node_modules/pg/package.json").version'

step "tidy: formatting, lints, dependency law, licences"
cargo xtask tidy

step "unit and connector tests"
cargo test --workspace --locked --exclude sallyport-e2e --exclude sallyport-evasion

step "how well values are found, kind by kind"
cargo test --quiet --locked --package sallyport-core --test detect_quality -- --nocapture --test-threads 1

step "end to end, through the built executable"
cargo build --locked --bin sallyport
cargo test --locked --package sallyport-e2e

step "ways round the gateway: made by a grammar, and after canaries"
EVASION_STATEMENTS=600 EVASION_READS=1000 cargo test --locked --package sallyport-evasion -- --nocapture \
  --test-threads 1 whatever_the_server_did no_canary_comes the_search_finds

step "fuzz targets, ${FUZZ_SECONDS:-60} s each"
FUZZ_SECONDS=${FUZZ_SECONDS:-60} cargo xtask fuzz

step "the demo, from start to Ctrl-C"
scripts/demo-test.sh

step "done"
