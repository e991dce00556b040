#!/usr/bin/env bash
# Installs, configures, upgrades, removes and purges the package in a throw-away Debian, and says what is not as it should be.
#
#   ./deploy/debian/try.sh [FILE.deb]       default: the newest one in target/debian
#
# As root. Makes a Debian of its own in a temporary folder (debootstrap) and takes it away again. Nothing is started.
set -euo pipefail
cd "$(dirname "$0")/../.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;; esac

package=${1:-$(find target/debian -name 'tidings_*.deb' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d ' ' -f 2)}
[ -f "$package" ] || { echo "error: there is no package${package:+ at $package}" >&2; echo "hint: ./deploy/package.sh makes it" >&2; exit 1; }
# shellcheck source=deploy/need.sh
. deploy/need.sh
need debootstrap=debootstrap dpkg-deb=dpkg

dir=$(mktemp -d "${TMPDIR:-/tmp}/tidings-try.XXXXXX")
root="$dir/root"
cleanup() {
    trap - EXIT INT TERM HUP
    umount "$root/proc" 2>/dev/null || true
    rm -rf --one-file-system "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
failures=0
# expect WHAT COMMAND…: the command succeeds.
expect() {
    local what=$1
    shift
    if "$@" >"$dir/out" 2>&1; then echo "ok    $what" >&2; else
        echo "FAIL  $what" >&2
        sed 's/^/      /' "$dir/out" >&2
        failures=$((failures + 1))
    fi
}
apt() { inside apt-get -qq -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"; }
is() { [ "$(inside "${@:2}")" = "$1" ]; }
# shellcheck disable=SC2317 # called by `expect`
ends_with() { # CODE COMMAND…
    local code=0
    inside "${@:2}" || code=$?
    [ "$code" -eq "$1" ]
}
there() { for path in "$@"; do [ -e "$root$path" ] || [ -L "$root$path" ] || { echo "$path is missing"; return 1; }; done; }
gone() { for path in "$@"; do if [ -e "$root$path" ] || [ -L "$root$path" ]; then echo "$path is there"; return 1; fi; done; }
files() { inside find / -xdev \( -path /proc -o -path /run -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /tmp \) -prune -o -print | sort; }

say "a throw-away Debian"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $suite" 'Origin: Debian' | head -n 1)
debootstrap --variant=minbase --include=ca-certificates,systemd "$suite" "$root" "$mirror" >"$dir/debootstrap" 2>&1 || { tail "$dir/debootstrap" >&2; exit 1; }
# How this machine reaches its mirror.
rm "$root/etc/apt/sources.list"
cp -r /etc/apt/. "$root/etc/apt/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
# A second version: its default configuration differs, too.
dpkg-deb -R "$package" "$dir/newer"
sed -i 's/^Version: .*/&+newer/' "$dir/newer/DEBIAN/control"
echo '# The newer default.' >>"$dir/newer/etc/tidings/tidings.toml"
cp "$package" "$root/older.deb"
dpkg-deb -b --root-owner-group "$dir/newer" "$root/newer.deb" >/dev/null
files >"$dir/before"

say "install"
expect "it is installed by apt" apt install /older.deb
expect "the program runs" inside tidings --version
expect "manual pages and completions are there" there /usr/share/man/man1/tidings.1.gz /usr/share/man/man1/tidings-{once,feeds-add}.1.gz \
    /usr/share/bash-completion/completions/tidings /usr/share/zsh/vendor-completions/_tidings /usr/share/fish/vendor_completions.d/tidings.fish
expect "it has a user of its own" inside getent passwd tidings
expect "the configuration is root's, readable by that user" is "root:tidings 750" stat -c "%U:%G %a" /etc/tidings
expect "the state's folder is that user's" is "tidings:tidings 700" stat -c "%U:%G %a" /var/lib/tidings
expect "the units are well-formed" inside systemd-analyze verify /lib/systemd/system/tidings.service /lib/systemd/system/tidings-once.timer
expect "nothing is enabled" gone /etc/systemd/system/multi-user.target.wants/tidings.service /etc/systemd/system/timers.target.wants/tidings-once.timer
expect "unconfigured it says so: 78" ends_with 78 tidings check
# shellcheck disable=SC2016 # not a variable
expect "and what is missing" inside sh -c 'tidings check 2>&1 | grep -F "[xmpp] has no \`jid\`"'

say "configure"
sed -i 's/^#jid = .*/jid = "feeds@localhost"\nserver = "127.0.0.1:9"/' "$root/etc/tidings/tidings.toml"
(umask 077 && echo secret >"$root/etc/tidings/password")
printf '[nobody]\nurl = "http://127.0.0.1:9/feed"\nallow-private = true\n' >"$root/etc/tidings/feeds.d/nobody.toml"
expect "it is valid" inside tidings check
expect "its user makes a round (the feed does not answer, nothing is to be sent)" inside runuser -u tidings -- env \
    TIDINGS_XMPP_PASSWORD=secret sh -c 'sed s/^password-file.*// /etc/tidings/tidings.toml >/var/lib/tidings/t.toml; mkdir /var/lib/tidings/feeds.d
    cp /etc/tidings/feeds.d/nobody.toml /var/lib/tidings/feeds.d/; STATE_DIRECTORY=/var/lib/tidings tidings --config /var/lib/tidings/t.toml once
    rm -r /var/lib/tidings/t.toml /var/lib/tidings/feeds.d'
expect "there is a state" there /var/lib/tidings/state.redb
expect "the administrator enables the service" inside systemctl enable tidings

say "upgrade"
expect "it is upgraded by apt" apt install /newer.deb
expect "the new version is there" is "ii +newer" sh -c "dpkg-query -W -f '\${db:Status-Abbrev}\${Version}' tidings | sed 's/ .*+/ +/'"
expect "the administrator's configuration is kept" grep -q 'feeds@localhost' "$root/etc/tidings/tidings.toml"
expect "the new default lies beside it" there /etc/tidings/tidings.toml.dpkg-dist
expect "state and password are kept" there /var/lib/tidings/state.redb /etc/tidings/password
expect "the service is still enabled" there /etc/systemd/system/multi-user.target.wants/tidings.service
expect "the configuration is still valid" inside tidings check

say "remove"
expect "it is removed by apt" apt remove tidings
expect "the program is gone" gone /usr/bin/tidings /lib/systemd/system/tidings.service
expect "configuration and state are kept" there /etc/tidings/tidings.toml /etc/tidings/password /var/lib/tidings/state.redb
expect "installed again, it goes on with them" apt install /newer.deb
expect "  the state is read" ends_with 0 tidings status
expect "  the service is enabled again" there /etc/systemd/system/multi-user.target.wants/tidings.service

say "purge"
expect "it is purged by apt" apt purge tidings
expect "configuration, password and state are gone" gone /etc/tidings /var/lib/tidings
files >"$dir/after"
# The user stays, so that its number is not given to another; its entry's back-ups are the only new files.
expect "nothing else is left" sh -c "! comm -13 '$dir/before' '$dir/after' | grep -v '^/etc/\(passwd\|group\|shadow\|gshadow\)-\$'"

[ "$failures" -eq 0 ] || { echo "error: $failures things are not as they should be" >&2; exit 1; }
say "all is well"
