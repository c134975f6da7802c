#!/usr/bin/env bash
# demo.sh - from a bare Debian 12 to a job that was submitted, run and delivered, in one command.
#
# Installs what is missing, builds, starts a server and a small web server to fetch from and deliver to,
# and shows a job's way over HTTP and over the RPC. Everything it starts it stops; its data goes to a
# temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/usage.sh
source scripts/lib/usage.sh
usage "$@"
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh
# shellcheck source=scripts/lib/programs.sh
source scripts/lib/programs.sh

work=$(mktemp -d)
server_pid=
origin_pid=

clean_up() {
    local status=$?
    trap - EXIT
    stop "$server_pid"
    stop "$origin_pid"
    if [[ $status -ne 0 && -s $work/errandd.log ]]; then
        printf '%s\n' "The demo failed. The last lines of the server's log:" >&2
        tail -n 20 "$work/errandd.log" >&2
    fi
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stop() {
    [[ -n $1 ]] || return 0
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# show COMMAND... prints a command as one would type it, then its output, indented.
show() {
    print_command "$@"
    "$@" >"$work/shown"
    indent
}

# show_json is show with the output laid out.
show_json() {
    print_command "$@" "| python3 -m json.tool"
    "$@" | python3 -m json.tool --indent 2 --no-ensure-ascii >"$work/shown"
    indent
}

print_command() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^([a-zA-Z0-9_./:=@,+-]+|\|.*)$ ]] || word="'$word'"
        line+=" $word"
    done
    printf '\n$%s\n' "$line"
}

indent() {
    awk '{ print "    " $0 }' "$work/shown"
}

start_origin() {
    exec {origin_out}< <(ORIGIN_SECRET=$secret exec python3 scripts/demo/origin.py)
    origin_pid=$!
    read -r -t 30 -u "$origin_out" _ origin || die "The origin did not start."
}

start_server() {
    exec {server_out}< <(exec "$bin/errandd" --data "$work/data" --rpc tcp://127.0.0.1:0 \
        --results tcp://127.0.0.1:0 --http 127.0.0.1:0 2>"$work/errandd.log")
    server_pid=$!
    local name url
    while [[ -z ${http:-} || -z ${rpc:-} ]]; do
        read -r -t 30 -u "$server_out" _ name url || die "The server did not start."
        case $name in
        rpc) rpc=$url ;;
        http) http=$url ;;
        esac
    done
}

post_job() {
    show_json curl -sS --fail-with-body "$http/v1/jobs" -H 'content-type: application/json' -d "$1"
    id=$(sed -n 's/^  "id": "\([^"]*\)".*/\1/p' "$work/shown")
}

over_http() {
    say "1. Over HTTP: have a page fetched, and its body delivered to another address"
    post_job "{\"http\": {\"url\": \"$origin/page\"}, \"callback\": {\"url\": \"$origin/sink\", \"format\": \"RAW\"}}"
    printf '\n%s\n' "That was the whole submit: the job is on disk, its id is $id. Now wait for its result (the
body is base64 in JSON), look at the job, and get the body as it came:"
    show_json curl -sS --fail-with-body "$http/v1/jobs/$id/result?wait=30s"
    show_json curl -sS --fail-with-body "$http/v1/jobs/$id"
    show curl -sS --fail-with-body "$http/v1/jobs/$id/output"
    printf '\n%s\n' "And this is what was delivered to the callback address:"
    show curl -sS --fail-with-body "$origin/delivered?to=/sink"
}

signed_event() {
    say "2. A signed event as the callback: the receiver checks who sent it"
    post_job "{\"http\": {\"url\": \"$origin/page\"}, \"callback\": {\"url\": \"$origin/events\", \"secret\": \"$secret\"}}"
    show curl -sS --fail-with-body "$origin/delivered?to=/events"
    grep -q 'signature verified' "$work/shown" || die "The signature of the event is wrong."
}

over_rpc() {
    say "3. The same over the RPC, with the command line client"
    show errand fetch "$origin/page" --callback "$origin/rpc-sink" --callback-format raw --wait
    printf '\n%s\n' "Its callback, and all jobs so far (a callback is a job, too):"
    show curl -sS --fail-with-body "$origin/delivered?to=/rpc-sink"
    wait_for_callbacks
    show errand ls
}

# A callback has been delivered a moment before its job is noted as done.
wait_for_callbacks() {
    local callbacks
    mapfile -t callbacks < <(errand ls --queue callbacks | awk 'NR > 1 { print $1 }')
    errand wait "${callbacks[@]}" >"$work/shown"
}

errand() {
    ERRAND_SERVER=$rpc "$bin/errand" "$@"
}

what_next() {
    say "That was Errand. What to try next"
    cat <<END
    $bin/errandd
        start a server here; its data goes to ./errand-data
    $bin/errand fetch https://www.debian.org --wait
        have a page fetched by it
    $bin/errand --help
        all commands
    scripts/test.sh
        run the tests
    README.md, docs/
        the ideas, and the APIs
END
}

# What the demo starts listens here, not behind a proxy.
export no_proxy=127.0.0.1
need_packages "${packages_demo[@]}"
mkdir -p build
bin=build/release/bin
build_folder build/release "${release_options[@]}"
secret="whsec_$(head -c 24 /dev/urandom | base64)"

start_origin
start_server
say "errandd is running: HTTP at $http, RPC at $rpc"
over_http
signed_event
over_rpc
what_next
