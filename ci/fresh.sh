#!/usr/bin/env bash
# Generated files that are checked in must be what the build makes of the sources.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo metadata --locked --format-version 1 >/dev/null
for folder in . benchmark; do
  (cd "$folder" && npm ci --dry-run --ignore-scripts --no-audit --loglevel=error >/dev/null) ||
    { echo "fresh: package-lock.json in $folder is stale: npm run lock -- $folder" >&2; exit 1; }
done

npm run --silent build
generated=(index.d.ts src/native/addon.d.ts Cargo.lock package-lock.json benchmark/package-lock.json)
git ls-files --error-unmatch -- "${generated[@]}" >/dev/null
git diff --exit-code -- "${generated[@]}" ||
  { echo 'fresh: the files above are stale: npm run build, and commit them' >&2; exit 1; }
