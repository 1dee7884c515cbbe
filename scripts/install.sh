#!/usr/bin/env bash
# Installs what a task needs and is missing, and names it. Asks nothing. Runs on Debian 12 and later and on Ubuntu.
#   scripts/install.sh build|run|test|tidy|bench
set -euo pipefail
cd "$(dirname "$0")/.."
task=${1:-build}

build_packages=(build-essential pkg-config clang libclang-dev cmake)
run_packages=("${build_packages[@]}" postgresql curl jq openssl)
test_packages=("${run_packages[@]}" python3-venv libpostgresql-jdbc-java)
bench_packages=("${run_packages[@]}" pgbouncer haproxy)

case $task in
  build | tidy) packages=("${build_packages[@]}") ;;
  run) packages=("${run_packages[@]}") ;;
  test) packages=("${test_packages[@]}") ;;
  bench) packages=("${bench_packages[@]}") ;;
  *) echo "install.sh: unknown task '$task': write build, run, test, tidy or bench" >&2; exit 2 ;;
esac

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing from the distribution: ${missing[*]}"
  if ! as_root true 2>/dev/null; then
    echo "install.sh: these packages are missing and this user may not install them. Run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root apt-get update -q >/dev/null || as_root apt-get update -q
  # The distribution would start servers on their default ports; ours are started on ports of our own.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600 \
    -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" >/dev/null
fi

need() { # command, minimum, why
  command -v "$1" >/dev/null || { echo "install.sh: $1 is missing: $2" >&2; exit 1; }
}
need cargo "install Rust 1.95 or newer with rustup (https://rustup.rs), then run this again"
have=$(rustc --version | awk '{print $2}')
if [ "$(printf '%s\n1.95.0\n' "${have%%-*}" | sort -V | head -1)" != 1.95.0 ]; then
  echo "install.sh: Rust $have is too old: run 'rustup update stable' for 1.95 or newer" >&2
  exit 1
fi

if [ "$task" = tidy ] || [ "$task" = test ]; then
  if ! command -v cargo-deny >/dev/null; then
    echo "installing with cargo: cargo-deny"
    cargo install --quiet --locked --debug cargo-deny
  fi
fi

if [ "$task" = test ]; then
  need node "install Node.js 20 or newer"
  need npm "install npm"
  need javac "install a JDK, version 17 or newer"
  stamp=$(cat e2e/clients/requirements.txt | sha256sum | cut -c1-16)
  if [ ! -e ".venv/$stamp" ]; then
    echo "installing from PyPI: $(tr '\n' ' ' <e2e/clients/requirements.txt)"
    python3 -m venv .venv
    .venv/bin/pip install -q --disable-pip-version-check -r e2e/clients/requirements.txt
    touch ".venv/$stamp"
  fi
  for folder in e2e/clients identity/tests/oidc-provider; do
    stamp=$(sha256sum <"$folder/package-lock.json" | cut -c1-16)
    if [ ! -e "$folder/node_modules/.stamp-$stamp" ]; then
      echo "installing from npm into $folder"
      (cd "$folder" && npm ci --silent --no-fund --no-audit)
      touch "$folder/node_modules/.stamp-$stamp"
    fi
  done
fi
