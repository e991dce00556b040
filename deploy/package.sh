#!/usr/bin/env bash
# Makes the Debian package and prints its path: binary, manual pages, completions, service and timer, default configuration.
#
#   ./deploy/package.sh                     builds the release binary first, which takes minutes
#   ./deploy/package.sh --no-build [FILE]   packages target/release/tidings, or FILE
#
# Installs what is missing: dpkg-dev by apt, cargo-deb by cargo.
set -euo pipefail
cd "$(dirname "$0")/.."

build=1 binary="${CARGO_TARGET_DIR:-target}/release/tidings"
case "${1:-}" in
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    --no-build) build=""; binary=${2:-$binary} ;;
    "") ;;
    *) echo "error: unknown option $1" >&2; echo "hint: $0 --help" >&2; exit 64 ;;
esac

# shellcheck source=deploy/need.sh
. deploy/need.sh
need dpkg-shlibdeps=dpkg-dev strip=binutils cc=gcc make=make
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
cargo deb --version >/dev/null 2>&1 || cargo install --locked cargo-deb >&2

# Some ARM boards have larger pages of memory than others: the allocator is built for the largest.
[ "$(uname -m)" != aarch64 ] || export JEMALLOC_SYS_WITH_LG_PAGE=16
[ -z "$build" ] || cargo build --locked --release --bin tidings >&2
[ -x "$binary" ] || { echo "error: there is no binary at $binary" >&2; echo "hint: leave out --no-build, or name one" >&2; exit 1; }

# What [package.metadata.deb] in Cargo.toml takes up: all of it is made by the binary that is packaged.
made=target/package
rm -rf "$made"
mkdir -p "$made/man"
strip -o "$made/tidings" "$binary"
chmod 755 "$made/tidings"
# pages VERB…: the manual page of a verb, and of each verb that it names.
pages() {
    page=$made/man/$(echo tidings "$@" | tr ' ' '-').1
    "$made/tidings" man "$@" >"$page"
    sed -n 's/\\-/ /g; s/^tidings \([a-z ]*\)(1).*/\1/p' "$page" | while read -r verb; do
        # shellcheck disable=SC2086 # words
        pages $verb
    done
}
pages
for shell in bash zsh fish; do "$made/tidings" completions "$shell" >"$made/tidings.$shell"; done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
maintainer=$(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)
# Packages of the same commit are the same, byte for byte.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
printf 'tidings (%s-1) unstable; urgency=medium\n\n  * /usr/share/doc/tidings/changelog.gz tells what is new.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(date -R -u -d "@$SOURCE_DATE_EPOCH")" >"$made/changelog"

cargo deb --no-build --output target/debian/ | tail -n 1
