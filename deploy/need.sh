# Sourced by demo.sh and tests/run.sh: installs Debian packages that are missing, and starts none of their services.
# Usage: need COMMAND=PACKAGE [COMMAND=PACKAGE …]

need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null 2>&1 || [ -e "${pair%%=*}" ] || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null 2>&1 || {
        echo "error: missing: ${missing[*]}" >&2
        echo "hint: this script installs them with apt-get on Debian; elsewhere install them and run it again" >&2
        return 1
    }
    local sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null 2>&1 || {
            echo "error: missing: ${missing[*]}" >&2
            echo "hint: run this script as root, or install sudo" >&2
            return 1
        }
    fi
    echo "installing ${missing[*]} …" >&2
    # Debian starts a package's service at installation unless this script says no.
    local policy=/usr/sbin/policy-rc.d made=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null && $sudo chmod 755 "$policy" && made=1
    fi
    local status=0
    $sudo apt-get update -qq >&2 || status=$?
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || status=$?
    [ -z "$made" ] || $sudo rm -f "$policy"
    return $status
}
