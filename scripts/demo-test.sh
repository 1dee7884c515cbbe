#!/usr/bin/env bash
# Starts the demo as a newcomer would, pastes its commands, and presses Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
demos=()
start_demo() { # its name; several may be started at once
  SALLYPORT_DEMO_READY=$out/$1.ready setsid scripts/demo.sh >"$out/$1.log" 2>&1 </dev/null &
  demo=$!
  demos+=("$demo")
}
stop_demos() { # their own end takes everything with it; only then are they killed
  for demo in "${demos[@]}"; do kill -TERM "$demo" 2>/dev/null || true; done
  for demo in "${demos[@]}"; do
    for _ in $(seq 1 200); do kill -0 "$demo" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- -"$demo" 2>/dev/null || true
  done
}
fail() { echo "demo: $1" >&2; cat "$out"/*.log >&2; exit 1; }
trap 'stop_demos; rm -rf "$out"' EXIT
wait_ready() { # name, pid
  for _ in $(seq 1 1200); do
    [ -s "$out/$1.ready" ] && return
    kill -0 "$2" 2>/dev/null || fail "$1 ended early"
    sleep 0.5
  done
  fail "$1 was not ready in time"
}
leaves_nothing() { # folder
  for _ in $(seq 1 100); do
    if [ ! -e "$1" ] && ! pgrep -f "$1" >/dev/null; then return; fi
    sleep 0.1
  done
  fail "it left behind: $1 $(pgrep -fa "$1")"
}

# --- two at once, of which one is killed so that it cannot clean up ----------------------------------------------------
start_demo other
other=$demo
start_demo main
main=$demo
wait_ready other "$other"
wait_ready main "$main"
other_home=$(cat "$out/other.ready")
home=$(cat "$out/main.ready")
if cmp -s <(grep -h listen "$other_home/sallyport.toml") <(grep -h listen "$home/sallyport.toml"); then fail "two demos share a port"; fi
{ kill -KILL "$other" && wait "$other"; } 2>/dev/null || true
leaves_nothing "$other_home"
demo=$main
paste() { timeout 60 bash -c "$(sed -n "s/^$1|//p" "$home/commands")" 2>&1; }

# --- its commands, as they are printed ---------------------------------------------------------------------------------
while IFS='|' read -r _ command; do grep -qF "$command" "$out/main.log" || fail "it does not print: $command"; done <"$home/commands"
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
leaves_nothing "$home"
echo "the demo starts, masks, refuses, holds, replays and stops; two run at once; killed, it leaves nothing"
