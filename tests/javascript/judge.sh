#!/usr/bin/env bash
# Tests the sandbox with Cisco's own JavaScript client, on each calling backend: it registers,
# fetches, marks, deletes, and receives live events. Needs Node 20 and npm; not part of the test suite.
#
#   bash tests/javascript/judge.sh
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -d node_modules ] || npm install --no-audit --no-fund --no-package-lock --loglevel=error

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for backend in WEBEX_CALLING UCM_CALLING BROADWORKS_CALLING; do
  echo "== $backend"
  : >"$scratch/$backend"
  (cd ../.. && exec "$python" -m callhistory.sandbox --chatter 1 --backend "$backend") >"$scratch/$backend" &
  sandbox=$!
  until [ "$(grep -c '^export' "$scratch/$backend")" -ge 2 ]; do kill -0 "$sandbox"; sleep 0.1; done
  eval "$(head -n 2 "$scratch/$backend")"
  verdict=0
  node judge.mjs --events --refresh --strict || verdict=$?
  kill -TERM "$sandbox"
  wait "$sandbox"
  [ "$verdict" -eq 0 ]
done
