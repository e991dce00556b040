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
    ( # A shell of its own, so that its end, whatever the cause, takes the policy away.
        # Debian starts a package's service at installation unless this script says no.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            trap '$sudo rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
            $sudo chmod 755 "$policy"
        fi
        $sudo apt-get update -qq >&2 || echo "warning: the lists of packages could not be renewed" >&2
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    )
}
