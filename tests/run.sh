#!/usr/bin/env bash
# Runs every test, on real servers. Installs what is missing (Debian packages) and starts none of their services.
#
#   ./tests/run.sh              everything but the long ones
#   ./tests/run.sh --nightly    the long ones too: kill storms, fuzzing
#   ./tests/run.sh NAME         the tests whose name contains NAME
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    --nightly) export TIDINGS_NIGHTLY=1 PROPTEST_CASES=5000; shift ;;
    -*) echo "error: unknown option $1" >&2; echo "hint: $0 --help" >&2; exit 64 ;;
esac

# shellcheck source=deploy/need.sh
. deploy/need.sh
need cc=gcc make=make /usr/include/stdio.h=libc6-dev setpriv=util-linux openssl=openssl prosody=prosody /usr/share/doc/lua-unbound=lua-unbound /usr/share/doc/lua-dbi-sqlite3=lua-dbi-sqlite3 \
    ejabberdctl=ejabberd erl=erlang-base strace=strace faketime=faketime valgrind=valgrind promtool=prometheus systemd-analyze=systemd
command -v cargo >/dev/null || { echo "error: cargo is missing" >&2; echo "hint: install the Rust toolchain, https://rustup.rs" >&2; exit 1; }

if [ -n "${TIDINGS_NIGHTLY:-}" ]; then
    # A minute of fuzzing a target; it ends with an error at the first input that hurts, and keeps it in fuzz/artifacts.
    need g++=g++
    cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
    for target in document decode discover configuration; do
        mkdir -p "fuzz/corpus/$target"
        cargo fuzz run --dev --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            -max_total_time=60 -rss_limit_mb=2048 -timeout=20
    done
fi

exec cargo test --no-fail-fast --lib --bins --tests "$@"
