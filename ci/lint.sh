#!/usr/bin/env bash
# All lints: `npm run lint`, or `npm run lint -- --fix` to let those that can put things right.
# One that is not installed is named and passed over, but not on CI (see ci/tools.sh).
set -uo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PWD/build/tools/bin:$PATH"
fix=${1:-}
peers=benchmark/ring-peers/Cargo.toml
failed=()

lint() { # name, command…
  local name=$1
  shift
  echo "lint: $name"
  "$@" || failed+=("$name")
}

needs() { # command…: whether it works here
  "$@" --version >/dev/null 2>&1 && return
  echo "lint: $* is not installed: bash ci/tools.sh"
  [[ ${CI:-} == true ]] && failed+=("$*")
  return 1
}

if [[ $fix == --fix ]]; then
  lint rustfmt cargo fmt --all
  lint 'rustfmt, ring-peers' cargo fmt --manifest-path "$peers"
  lint biome biome check --write
  lint taplo taplo fmt
else
  lint rustfmt cargo fmt --all --check
  lint 'rustfmt, ring-peers' cargo fmt --manifest-path "$peers" --check
  lint biome biome check --error-on-warnings
  RUST_LOG=error lint taplo taplo fmt --check
fi
lint clippy cargo clippy --workspace --all-targets --exclude millrace-node --locked --quiet -- -D warnings
# As a test target the addon exports nothing, so that all of it would count as unused.
lint 'clippy, addon' cargo clippy -p millrace-node --locked --quiet -- -D warnings
lint 'clippy, ring-peers' cargo clippy --manifest-path "$peers" --all-targets --locked --quiet -- -D warnings
RUSTDOCFLAGS='-D warnings' lint rustdoc cargo doc --workspace --no-deps --document-private-items --locked --quiet
needs typos && lint typos typos
if needs cargo deny; then
  lint 'cargo deny' cargo deny --log-level error check bans licenses sources
  if git ls-remote --exit-code https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then
    lint 'cargo deny, advisories' cargo deny --log-level error check advisories
  else
    echo 'lint: advisories: not checked, their database cannot be reached'
  fi
fi
lint 'npm audit' node ci/audit.js .
lint 'npm audit, benchmark' node ci/audit.js benchmark

((${#failed[@]} == 0)) && exit
printf 'lint: failed: %s\n' "${failed[@]}" >&2
exit 1
