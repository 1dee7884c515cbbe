#!/usr/bin/env bash
# The demo behind `make run`: a throw-away PostgreSQL, the gateway, an agent with a one-hour token, a small policy.
# Ctrl-C stops all of it and leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

echo "building the gateway (the first time takes some minutes)"
cargo build --quiet --locked --bin sallyport
sallyport=${CARGO_TARGET_DIR:-$root/target}/debug/sallyport

home=$(mktemp -d -t sallyport-demo-XXXXXX)
chmod 755 "$home"
: >"$home/pids"

# Whatever ends this script, even SIGKILL, closes its end of a pipe. Who reads the other end then ends what was started
# and removes the folder. Nothing that is started may hold the pipe open: hence the {life}>&- on each.
exec {life}> >(exec setsid bash -c '
  cat >/dev/null
  sent=TERM
  for round in $(seq 1 60); do
    left=
    while read -r pid; do if kill -s $sent "$pid" 2>/dev/null; then left=1; fi; done <"$1/pids"
    [ -n "$left" ] || break
    sent=0
    [ "$round" -lt 50 ] || sent=KILL
    sleep 0.1
  done
  rm -rf "$1"' sweep "$home")
sweeper=$!
cleanup() {
  trap - EXIT INT TERM HUP
  exec {life}>&-
  while [ -e "$home" ] || kill -0 "$sweeper" 2>/dev/null; do sleep 0.1; done
  echo
  echo "stopped; nothing is left behind"
}
trap cleanup EXIT
trap 'exit 0' INT TERM HUP

# Starts in the background: the log, the command. Its pid is in $started.
start() {
  local log=$1
  shift
  (cd / && exec setsid "$@") >"$log" 2>&1 </dev/null {life}>&- &
  started=$!
  echo "$started" >>"$home/pids"
}
# Others may take a port between looking and listening, another demo for one. So a port is tried, not looked at: what is
# started there either answers with a password that only this demo knows, or has ended for want of the port.
wants_another_port() { ! kill -0 "$started" 2>/dev/null && grep -Eqi 'address already in use|cannot listen' "$1"; }
give_up() { echo "demo: $1:" >&2; cat "$2" >&2; exit 1; }

# --- a PostgreSQL to protect -------------------------------------------------------------------------------------
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[ -x "$pg_bin/initdb" ] || { echo "demo: no PostgreSQL server in /usr/lib/postgresql: run 'make run', which installs it" >&2; exit 1; }
as_pg() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
openssl rand -hex 16 >"$home/pg-password"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
  -keyout "$home/pg.key" -out "$home/pg.crt" 2>/dev/null
install -d -m 700 "$home/pg"
chmod 600 "$home/pg.key" "$home/pg-password"
if [ "$(id -u)" = 0 ]; then chown postgres "$home/pg" "$home/pg.key" "$home/pg-password"; fi
as_pg "$pg_bin/initdb" -D "$home/pg" -U shop_admin -A scram-sha-256 --pwfile="$home/pg-password" -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
cat >>"$home/pg/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
ssl = on
ssl_cert_file = '$home/pg.crt'
ssl_key_file = '$home/pg.key'
CONF
# Not runuser: it would stand between, and what it started would outlive it.
become_pg=()
if [ "$(id -u)" = 0 ]; then become_pg=(setpriv --reuid=postgres --regid=postgres --init-groups); fi
PGPASSWORD=$(cat "$home/pg-password")
export PGPASSWORD
pg_answers() { psql -X -q -h 127.0.0.1 -p "$pg_port" -U shop_admin -d postgres -c 'select 1' >/dev/null 2>&1; }
for pg_port in $(seq 21432 21481); do
  start "$home/pg.log" "${become_pg[@]}" "$pg_bin/postgres" -D "$home/pg" -p "$pg_port"
  for _ in $(seq 1 300); do
    if pg_answers || ! kill -0 "$started" 2>/dev/null; then break; fi
    sleep 0.1
  done
  wants_another_port "$home/pg.log" || break
done
pg_answers || give_up "PostgreSQL did not start" "$home/pg.log"
psql -X -q -h 127.0.0.1 -p "$pg_port" -U shop_admin -d postgres -c 'CREATE DATABASE shop'
psql -X -q -h 127.0.0.1 -p "$pg_port" -U shop_admin -d shop -v ON_ERROR_STOP=1 -f deploy/demo/init.sql
unset PGPASSWORD

# --- the gateway -------------------------------------------------------------------------------------------------
# Where the command line keeps its sign-in; the commands printed below use the same place.
export SALLYPORT_HOME="$home/cli" SALLYPORT_URL
signs_in() { "$sallyport" login --user operator --password-file "$home/data/operator-password" >/dev/null 2>&1; }
for offset in $(seq 0 49); do
  api_port=$((8480 + offset))
  port=$((15432 + offset))
  SALLYPORT_URL="http://127.0.0.1:$api_port"
  cat >"$home/sallyport.toml" <<CONF
data_dir = "$home/data"
[log]
level = "warn"
[api]
listen = "127.0.0.1:$api_port"
[[listener]]
protocol = "postgres"
listen = ["127.0.0.1:$port"]
tls = "optional"
CONF
  start "$home/gateway.log" "$sallyport" serve --config "$home/sallyport.toml"
  for _ in $(seq 1 300); do
    if signs_in || ! kill -0 "$started" 2>/dev/null; then break; fi
    sleep 0.1
  done
  wants_another_port "$home/gateway.log" || break
done
signs_in || give_up "the gateway did not start" "$home/gateway.log"
"$sallyport" targets add shop --protocol postgres --host 127.0.0.1 --port "$pg_port" --account shop_admin --database shop \
  --password-file "$home/pg-password" --set sslmode=verify-full --set "ca_file=$home/pg.crt" --label env=demo \
  --class public.customers.email=email --class public.customers.phone=phone --class public.payments.card=card >/dev/null
rm "$home/pg-password"
# Whoever answers for an agent may not approve its commands, so the demo has a second person for that.
openssl rand -hex 16 | "$sallyport" people add ada --display "Ada, who runs the reports" --password-file - >/dev/null
"$sallyport" agents add reporter --owner ada --group agents >/dev/null
"$sallyport" policy put policy/packs/agents-write-with-approval.cedar --note "for the demo" >/dev/null
token=$("$sallyport" token --agent reporter --for 1h)
printf '127.0.0.1:%s:*:*:%s\n' "$port" "$token" >"$home/pgpass"
chmod 600 "$home/pgpass"

# --- what to try -------------------------------------------------------------------------------------------------
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; else bold='' dim='' off=''; fi
client="PGPASSFILE=$home/pgpass psql -h 127.0.0.1 -p $port -U reporter -d shop"
cli="SALLYPORT_HOME=$home/cli SALLYPORT_URL=$SALLYPORT_URL $sallyport"
cat >"$home/commands" <<TEXT
masked|$client -c "SELECT name, email, phone, notes FROM customers"
refused|$client -c "DROP TABLE payments"
held|$client -c "UPDATE customers SET credit_limit = 5000 WHERE id = 2"
approve|$cli approvals approve --latest
replay|$cli sessions replay --latest
TEXT
cat <<TEXT

${bold}Sallyport is up.${off} An agent called reporter may use the database "shop"; its token is good for one hour.
Paste these into another terminal:

${bold}1. A SELECT whose sensitive values come back masked${off}
   $(sed -n 's/^masked|//p' "$home/commands")

${bold}2. A DROP that is refused, with the rule and the reason${off}
   $(sed -n 's/^refused|//p' "$home/commands")

${bold}3. An UPDATE that waits for a person …${off}
   $(sed -n 's/^held|//p' "$home/commands")
${bold}   … and the approval, from a third terminal${off}
   $(sed -n 's/^approve|//p' "$home/commands")

${bold}4. The replay of the last session${off}
   $(sed -n 's/^replay|//p' "$home/commands")

${dim}The approver is the person "operator", signed in for the command line; its password is in
$home/data/operator-password. Below is the live audit. Ctrl-C stops all of it.${off}

TEXT
if [ -n "${SALLYPORT_DEMO_READY:-}" ]; then echo "$home" >"$SALLYPORT_DEMO_READY"; fi
"$sallyport" sessions watch --all {life}>&- &
echo $! >>"$home/pids"
wait $!
