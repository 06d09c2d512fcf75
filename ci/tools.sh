#!/usr/bin/env bash
# Installs what the lints and tests need beyond Node, npm, Python and Rust, where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Used by tests, which are skipped without them.
missing=()
command -v redis-cli >/dev/null && command -v redis-benchmark >/dev/null || missing+=(redis-tools)
command -v strace >/dev/null || missing+=(strace)
if ((${#missing[@]})); then
  sudo=$([[ $(id -u) == 0 ]] || echo sudo)
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

# A binary from PyPI: its own is a download from a place that CI may not reach.
if [[ ! -x build/tools/bin/typos ]]; then
  python3 -m venv build/tools
  build/tools/bin/pip install --quiet --disable-pip-version-check typos==1.52.0
fi

# Built from source, once a machine. It does no heavy work: built fast rather than to be fast.
if ! cargo deny --version >/dev/null 2>&1; then
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --quiet --locked --no-default-features cargo-deny
fi
