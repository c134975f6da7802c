#!/usr/bin/env bash
# install_test - installs the build into a fresh folder and builds programs against it: with
# pkg-config, shared and static, and with CMake. The examples run with the installed server.
#
#   install_test.sh CMAKE BUILD_DIR COMPILER [SANITIZERS]
set -euo pipefail
cmake=$1 build=$2 compiler=$3 sanitizers=${4:-}

work=$(mktemp -d)
started=()
clean_up()
{
    for process in "${started[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    wait
    rm -rf "$work"
}
trap clean_up EXIT
"$cmake" --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name errand.pc)")
export PKG_CONFIG_PATH
libraries=$(dirname "$PKG_CONFIG_PATH")

cat >"$work/main.c" <<'C'
#include <errand.h>
#include <stdio.h>

// Sees that the header compiles, and calls into the library and into a generated message.
int main(void)
{
    errand_client_close(NULL);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    printf("%zu\n", errand__v1__job__get_packed_size(&job));
    return 0;
}
C
cat >"$work/CMakeLists.txt" <<'C'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(errand REQUIRED)
add_executable(user main.c)
target_link_libraries(user PRIVATE errand::errand)
C

flags=(-Wall -Wextra -Werror)
if [[ -n $sanitizers ]]; then
    flags+=("-fsanitize=${sanitizers//;/,}")
fi

read -r -a shared < <(pkg-config --cflags --libs errand)
"$compiler" "${flags[@]}" "$work/main.c" -o "$work/shared" "${shared[@]}" "-Wl,-rpath,$libraries"
[[ $("$work/shared") == 0 ]]

read -r -a private < <(pkg-config --static --cflags --libs errand)
"$compiler" "${flags[@]}" "$work/main.c" -o "$work/static" \
    "${private[@]/#-lerrand/$libraries/liberrand.a}"
[[ $("$work/static") == 0 ]]

"$cmake" -S "$work" -B "$work/build" "-DCMAKE_C_COMPILER=$compiler" "-DCMAKE_C_FLAGS=${flags[*]}" \
    "-DCMAKE_PREFIX_PATH=$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
"$cmake" --build "$work/build" >"$work/log" || { cat "$work/log"; exit 1; }
[[ $("$work/build/user") == 0 ]]

# The examples, built in each way.
examples=$work/prefix/share/doc/errand/examples
mkdir "$work/shared-examples" "$work/static-examples"
for example in submit_and_wait worker; do
    "$compiler" "${flags[@]}" "$examples/$example.c" -o "$work/shared-examples/$example" \
        "${shared[@]}" "-Wl,-rpath,$libraries"
    "$compiler" "${flags[@]}" "$examples/$example.c" -o "$work/static-examples/$example" \
        "${private[@]/#-lerrand/$libraries/liberrand.a}"
done
"$cmake" -S "$examples" -B "$work/cmake-examples" "-DCMAKE_C_COMPILER=$compiler" \
    "-DCMAKE_C_FLAGS=${flags[*]}" "-DCMAKE_PREFIX_PATH=$work/prefix" >"$work/log" ||
    { cat "$work/log"; exit 1; }
"$cmake" --build "$work/cmake-examples" >"$work/log" || { cat "$work/log"; exit 1; }

# wait_line FILE PATTERN waits for a line and prints what stands behind the pattern.
wait_line()
{
    local end=$((SECONDS + 60))
    until sed -n "s|^$2||p" "$1" | grep -m1 .; do
        if ((SECONDS > end)); then
            echo "no line '$2':" >&2
            cat "$1" >&2
            return 1
        fi
    done
}

"$work/prefix/bin/errandd" --data "$work/data" --rpc tcp://127.0.0.1:0 \
    --results tcp://127.0.0.1:0 --http off --workers 0 >"$work/server" 2>"$work/server-log" &
started+=($!)
ERRAND_SERVER=$(wait_line "$work/server" "listening rpc ")
export ERRAND_SERVER
for way in shared static cmake; do
    "$work/$way-examples/worker" 2 >"$work/worker" 2>"$work/worker-log" &
    worker=$!
    started+=("$worker")
    [[ $(wait_line "$work/worker" "connected ") == "$ERRAND_SERVER" ]]
    run=$work/$way-examples/submit_and_wait
    [[ $("$run" wordcount '"three short words\n"') == '{"value":{"lines":1,"words":3,"bytes":18}}' ]]
    [[ $("$run" sleep 0.01) == '{"value":"well rested"}' ]]
    status=0
    "$run" wordcount 7 2>"$work/refused" || status=$?
    [[ $status == 1 ]] && grep -q "wordcount needs a text" "$work/refused"
    kill "$worker"
    wait "$worker"
    unset 'started[-1]'
done

# Commands are started by a small program of the installed tree.
"$work/prefix/bin/errand-worker" --server "$ERRAND_SERVER" --commands 'say=argv=echo,{args}' \
    --kinds exec >"$work/worker" 2>"$work/worker-log" &
started+=($!)
[[ $("$work/prefix/bin/errand" exec say installed --wait=60s) == installed ]]

# C++ may use it, too.
if command -v c++ >/dev/null; then
    read -r -a includes < <(pkg-config --cflags errand)
    c++ -Wall -Wextra -Werror -x c++ -fsyntax-only "$work/main.c" "${includes[@]}"
fi

# Every program has its manual page.
for program in "$work"/prefix/bin/*; do
    page=$work/prefix/share/man/man1/$(basename "$program").1
    [[ -s $page ]] || { echo "$(basename "$program") has no manual page"; exit 1; }
done
