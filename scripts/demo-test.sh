#!/usr/bin/env bash
# Starts the demo as a newcomer would, pastes its commands, and presses Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
ready=$(mktemp -u)
out=$(mktemp)
SALLYPORT_DEMO_READY=$ready setsid scripts/demo.sh >"$out" 2>&1 </dev/null &
demo=$!
stop_demo() { # its own end takes everything with it; only then is it killed
  kill -TERM "$demo" 2>/dev/null || true
  for _ in $(seq 1 200); do kill -0 "$demo" 2>/dev/null || return 0; sleep 0.1; done
  kill -KILL -- -"$demo" 2>/dev/null || true
}
fail() { echo "demo: $1" >&2; cat "$out" >&2; exit 1; }
trap 'stop_demo; rm -f "$out" "$ready"' EXIT
for _ in $(seq 1 1200); do
  [ -s "$ready" ] && break
  kill -0 "$demo" 2>/dev/null || fail "it ended early"
  sleep 0.5
done
[ -s "$ready" ] || fail "it was not ready in time"
home=$(cat "$ready")
paste() { timeout 60 bash -c "$(sed -n "s/^$1|//p" "$home/commands")" 2>&1; }

masked=$(paste masked) || fail "the masked SELECT failed: $masked"
grep -q 'Ada Marlow' <<<"$masked" || fail "the masked SELECT shows no row: $masked"
if grep -Eq 'ada\.marlow@example|555 0132|4111 1111' <<<"$masked"; then fail "a sensitive value came through: $masked"; fi
refused=$(paste refused) && fail "the DROP was not refused: $refused"
grep -q 'rule ' <<<"$refused" || fail "the refusal names no rule: $refused"
held=$(mktemp)
paste held >"$held" &
waiting=$!
approved=
for _ in $(seq 1 100); do
  if grep -q 'NOTICE' "$held"; then approved=$(paste approve) && break; fi
  sleep 0.1
done
[ -n "$approved" ] || fail "the UPDATE was not held: $(cat "$held")"
wait "$waiting" || fail "the approved UPDATE failed: $(cat "$held")"
grep -q 'UPDATE 1' "$held" || fail "the approved UPDATE did not run: $(cat "$held")"
rm -f "$held"
replay=$(paste replay) || fail "the replay failed: $replay"
grep -q 'UPDATE customers' <<<"$replay" || fail "the replay lacks the statement: $replay"

kill -INT "$demo" 2>/dev/null || true
kill -TERM "$demo" 2>/dev/null || true
for _ in $(seq 1 200); do kill -0 "$demo" 2>/dev/null || break; sleep 0.1; done
kill -0 "$demo" 2>/dev/null && fail "it did not stop"
if pgrep -f "$home" >/dev/null; then fail "it left processes behind: $(pgrep -fa "$home")"; fi
[ ! -e "$home" ] || fail "it left $home behind"
echo "the demo starts, masks, refuses, holds, replays and stops"
