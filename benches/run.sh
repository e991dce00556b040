#!/usr/bin/env bash
# Measures Tidings beside the limit and its peers, on servers of its own on loopback. Installs what is missing (Debian packages).
#
#   ./benches/run.sh                    everything, which takes long; writes benches/RESULTS.md
#   ./benches/run.sh NAME …             some of: parse first-pass followers tls item unchanged polls changed operator scale entries million year
#   ./benches/run.sh --json FILE NAME   keeps the figures as JSON, too; --rounds N measures so often (5)
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;; esac
# shellcheck source=deploy/need.sh
. deploy/need.sh
need cc=gcc make=make /usr/include/stdio.h=libc6-dev setpriv=util-linux prosody=prosody /usr/share/doc/lua-unbound=lua-unbound curl=curl r2e=rss2email openssl=openssl /usr/bin/time=time
command -v cargo >/dev/null || { echo "error: cargo is missing" >&2; echo "hint: install the Rust toolchain, https://rustup.rs" >&2; exit 1; }

# By itself first: as it is built to be used.
cargo build --release
cargo build --release -p tidings-benches
if [ $# -eq 0 ]; then set -- --results benches/RESULTS.md; fi
exec "${CARGO_TARGET_DIR:-target}/release/tidings-benches" "$@"
