# shellcheck shell=bash
# programs - builds what a script wants to run. Sourced, after setup.sh, in the project's folder.

# How the programs that people run are built.
# shellcheck disable=SC2034  # for those who source this
release_options=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DERRAND_HARDEN=ON -DBUILD_TESTING=OFF)

# build_folder FOLDER CMAKE-OPTION... configures and builds everything there.
build_folder() {
    local folder=$1
    shift
    say "Building in $folder"
    cmake -S . -B "$folder" -G Ninja "$@" >"$folder.log" 2>&1 || show_and_die "$folder.log"
    # The output is shown only when it matters: errors, and warnings of our own code.
    cmake --build "$folder" >"$folder.log" 2>&1 || show_and_die "$folder.log"
    grep -A 5 -E 'warning:' "$folder.log" || true
}

# show_and_die LOG prints what went wrong: from the first failed command on, when one is marked.
show_and_die() {
    awk '/^FAILED:/ { found = 1 } found' "$1" | grep -v '^\[[0-9]*/[0-9]*\]' >&2 || cat "$1" >&2
    die "The build failed. All of its output is in $1."
}

# run_ctest FOLDER CTEST-OPTION... prints one line a test, what failed in full, and a summary.
run_ctest() {
    local folder=$1
    shift
    ctest --test-dir "$folder" --output-on-failure --no-tests=error --no-label-summary \
        -j "$(nproc)" "$@" </dev/null
}
