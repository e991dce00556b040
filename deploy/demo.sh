#!/usr/bin/env bash
# Shows Tidings at work on this machine alone: a throw-away Prosody, a feed, the gateway, and a second account that follows.
# Prints each item as it arrives, then adds an entry to the feed and prints that one with the seconds it took.
#
#   ./deploy/demo.sh              with a feed that it brings along; needs no internet once everything is built
#   ./deploy/demo.sh --url URL    with a feed of yours; nothing is added to that one
#   ./deploy/demo.sh --keep       goes on until Ctrl-C, and tells how to follow with a client of yours
#
# Installs what is missing (Prosody and what a Rust build needs) with apt. Everything else lives in a temporary folder and is
# gone afterwards. The build is a debug build: the demo is about correctness, and it is ready minutes earlier.
set -euo pipefail
cd "$(dirname "$0")/.."

url="" keep=""
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
        --url) url="${2:?error: --url needs an address}"; shift 2 ;;
        --keep) keep=1; shift ;;
        *) echo "error: unknown option $1" >&2; echo "hint: $0 --help" >&2; exit 64 ;;
    esac
done

# Everything that is started is known by its process id and ended by it, last one first, whatever happens. It is started by
# setsid, so that Ctrl-C ends it in this order too.
dir=$(mktemp -d "${TMPDIR:-/tmp}/tidings-demo.XXXXXX")
pids=()
started() { pids+=("$!"); }
stop_last() {
    local pid=${pids[-1]} tick
    unset 'pids[-1]'
    if kill "$pid" 2>/dev/null; then
        for tick in {1..120}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2>/dev/null || true
    fi
    wait "$pid" 2>/dev/null || true
}
cleanup() {
    trap - EXIT INT TERM HUP
    while [ ${#pids[@]} -gt 0 ]; do stop_last; done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
fail() {
    echo "error: $1" >&2
    for log in prosody.log gateway.log follower.log; do
        [ ! -s "$dir/$log" ] || { echo "--- the end of $log:" >&2; tail -n 15 "$dir/$log" >&2; }
    done
    exit 1
}
# until_true SECONDS COMMAND…: 0 as soon as the command succeeds, 1 when the time is over.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}

install_and_build() {
    # shellcheck source=deploy/need.sh
    . deploy/need.sh
    need prosody=prosody openssl=openssl setsid=util-linux cc=gcc make=make /usr/include/stdio.h=libc6-dev
    command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
    command -v cargo >/dev/null || fail "cargo is missing: install the Rust toolchain, https://rustup.rs"
    say "building (the first time takes a few minutes)"
    cargo build --locked --bin tidings
    tidings="${CARGO_TARGET_DIR:-target}/debug/tidings"
    tidings=$(realpath "$tidings")
}

# A certificate authority of this demo's own, and the server's certificate. A self-signed certificate alone is refused by rustls.
make_certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Tidings demo" \
        -addext basicConstraints=critical,CA:TRUE -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$domain" \
        -keyout "$dir/server.key" -out "$dir/server.csr" 2>/dev/null
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:%s,DNS:*.%s\n' "$domain" "$domain" >"$dir/server.ext"
    openssl x509 -req -days 2 -in "$dir/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
        -extfile "$dir/server.ext" -out "$dir/server.crt" 2>/dev/null
}

make_account() { # NAME: with a password of its own in NAME.password
    local password
    password=$(openssl rand -hex 12)
    (umask 077 && printf '%s\n' "$password" >"$dir/$1.password")
    mkdir -p "$dir/data/${domain//./%2e}/accounts"
    printf 'return { ["password"] = "%s" };\n' "$password" >"$dir/data/${domain//./%2e}/accounts/$1.dat"
}

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
    local port
    while port=$((20000 + RANDOM % 20000)); ! is_free "$port"; do :; done
    echo "$port"
}

# Ready means: stream features come from the own domain. Prosody stays up when a port is taken, and then somebody else answers.
is_ready() {
    local answer=""
    exec 3<>"/dev/tcp/127.0.0.1/$xmpp_port" || return 1
    printf "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='%s' version='1.0'>" "$domain" >&3
    IFS= read -r -t 2 -d '' -n 2000 answer <&3 || true
    exec 3>&-
    [[ $answer == *"from='$domain'"*features* ]] && ! is_free "$http_port"
} 2>/dev/null

start_prosody() {
    say "starting a throw-away Prosody on 127.0.0.1"
    mkdir -p "$dir/certs" "$dir/data" "$dir/www"
    domain="demo$RANDOM.localhost" service="pubsub.$domain"
    make_certificates
    make_account feeds
    make_account reader
    local try
    for try in 1 2 3; do
        xmpp_port=$(free_port) http_port=$(free_port)
        cat >"$dir/prosody.cfg.lua" <<LUA
pidfile = "$dir/prosody.pid"; data_path = "$dir/data"; run_as_root = true
interfaces = { "127.0.0.1" }; local_interfaces = { "127.0.0.1" }
c2s_ports = { $xmpp_port }; c2s_direct_tls_ports = { }; http_ports = { $http_port }; https_ports = { }
modules_enabled = { "roster", "saslauth", "tls", "disco", "http_files" }
modules_disabled = { "s2s" }
authentication = "internal_plain"
storage = { pubsub_data = "memory", pubsub_nodes = "memory" }
c2s_require_encryption = true
ssl = { key = "$dir/server.key", certificate = "$dir/server.crt" }
http_files_dir = "$dir/www"; http_default_host = "$domain"
log = { { levels = { min = "warn" }, to = "file", filename = "$dir/prosody.log" } }
VirtualHost "$domain"
Component "$service" "pubsub"
  admins = { "feeds@$domain" }
  pubsub_max_items = 1000
LUA
        setsid prosody --config "$dir/prosody.cfg.lua" -F >>"$dir/prosody.log" 2>&1 &
        started
        until_true 10 is_ready && return
        stop_last # its ports were taken meanwhile
    done
    fail "Prosody does not answer"
}

# The feed that the demo brings along: COUNT entries, the newest first, as feeds are.
write_feed() { # COUNT
    local titles=("The tide clock is being repaired" "Ferry to the islands twice a day" "Fog signal tested on Friday"
        "Seals counted: forty-one" "The light runs on the new lamp" "High water: mind the lower quay") at day
    : "${began:=$(date +%s)}"
    {
        cat <<XML
<?xml version='1.0' encoding='utf-8'?>
<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'>
<title>Harbour Log</title><subtitle>What happens at the quay</subtitle><id>urn:demo:harbour</id><updated>$(date -u +%FT%TZ)</updated>
<author><name>The harbour master</name></author><link rel='alternate' href='https://harbour.example/'/>
XML
        for ((at = $1 - 1; at >= 0; at--)); do
            day=$(date -u -d "@$((began - 86400 * (${#titles[@]} - 1 - at)))" +%FT%TZ)
            cat <<XML
<entry><id>urn:demo:harbour:$at</id><title>${titles[at]}</title><updated>$day</updated><published>$day</published>
<link rel='alternate' href='https://harbour.example/log/$at'/><category term='harbour'/>
<content type='html'>&lt;p&gt;${titles[at]}, &lt;b&gt;says&lt;/b&gt; &lt;i&gt;the log&lt;/i&gt;.&lt;/p&gt;</content></entry>
XML
        done
        echo '</feed>'
    } >"$dir/www/next.xml"
    mv "$dir/www/next.xml" "$dir/www/feed.xml"
    newest=${titles[$1 - 1]}
}

start_gateway() {
    mkdir -p "$dir/feeds.d"
    cat >"$dir/tidings.toml" <<TOML
[xmpp]
jid = "feeds@$domain"
password-file = "feeds.password"
server = "127.0.0.1:$xmpp_port"
ca-file = "ca.crt"

[defaults]
service = "$service"

[store]
path = "state.redb"
TOML
    {
        # A TOML literal string cannot hold an apostrophe; an address need not.
        printf "[demo]\nurl = '%s'\n" "${feed//\'/%27}"
        # An address that was typed here is meant, be it one of the local network.
        echo 'allow-private = true'
        # The demo's own feed may be asked often; anybody else's is asked as often as always.
        [ -n "$url" ] || printf 'every = "2s"\nown = true\n'
    } >"$dir/feeds.d/demo.toml"
    "$tidings" --config "$dir/tidings.toml" check >&2 || fail "the configuration is not valid"
    say "tidings run: $feed → node demo at $service"
    setsid "$tidings" --config "$dir/tidings.toml" run >>"$dir/gateway.log" 2>&1 &
    started
    gateway=$!
}

# The second account. It can subscribe as soon as the gateway has made the node.
start_follower() {
    say "tidings follow, as reader@$domain"
    mkfifo "$dir/items"
    exec 4<>"$dir/items"
    local end=$((SECONDS + 60)) tick
    while :; do
        setsid "$tidings" --config "$dir/tidings.toml" follow "$service" demo --last 20 \
            --jid "reader@$domain" --password-file "$dir/reader.password" >&4 2>"$dir/follower.log" &
        started
        follower=$!
        for tick in {1..15}; do kill -0 "$follower" 2>/dev/null || break; sleep 0.1; done
        ! kill -0 "$follower" 2>/dev/null || return 0
        stop_last
        kill -0 "$gateway" 2>/dev/null || fail "the gateway ended"
        [ $SECONDS -lt $end ] || fail "nobody could follow the node"
    done
}

# Prints what arrives, until nothing came for so many seconds.
print_items() { # SECONDS
    local line
    while IFS= read -r -t "$1" line <&4; do printf '%s\n' "$line"; done
    kill -0 "$follower" 2>/dev/null || fail "the follower ended"
}
# Prints what arrives until a line holds the text, for at most so many seconds.
print_until() { # SECONDS TEXT
    local line end=$((SECONDS + $1))
    while [ $SECONDS -lt $end ]; do
        kill -0 "$follower" 2>/dev/null || fail "the follower ended"
        IFS= read -r -t 1 line <&4 || continue
        printf '%s\n' "$line"
        [[ $line != *"$2"* ]] || return 0
    done
    return 1
}

seconds_since() { # a value of EPOCHREALTIME
    local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/}
    printf '%d.%d' $(((now - then) / 1000000)) $(((now - then) % 1000000 / 100000))
}

install_and_build
start_prosody
feed=${url:-http://127.0.0.1:$http_port/files/feed.xml}
[ -n "$url" ] || write_feed 5
start_gateway
start_follower

if [ -n "$url" ]; then
    print_items 10
    say "nothing new for ten seconds"
else
    print_until 60 "$newest" || fail "the feed's entries did not arrive"
    print_items 1
    say "a new entry is added to the feed"
    began_to_wait=$EPOCHREALTIME
    write_feed 6
    print_until 60 "$newest" || fail "the new entry did not arrive"
    took=$(seconds_since "$began_to_wait")
    print_items 1
    say "it arrived after $took seconds; this feed is polled every 2 seconds"
fi

if [ -n "$keep" ]; then
    say "still running, until Ctrl-C. Follow it with a client that can be told where the server is:"
    cat >&2 <<EOT
   account   reader@$domain, password $(cat "$dir/reader.password")
   server    127.0.0.1, port $xmpp_port, STARTTLS; trust $dir/ca.crt
   node      xmpp:$service?;node=demo
   feed      $feed
EOT
    [ -n "$url" ] || cat >&2 <<EOT
             edit $dir/www/feed.xml and see
EOT
    while :; do print_items 3600; done
fi
say "done"
