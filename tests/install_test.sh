#!/usr/bin/env bash
# install_test - installs the build into a fresh folder and builds a program against it: with
# pkg-config, shared and static, and with CMake.
#
#   install_test.sh CMAKE BUILD_DIR COMPILER [SANITIZERS]
set -euo pipefail
cmake=$1 build=$2 compiler=$3 sanitizers=${4:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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

# Every program has its manual page.
for program in "$work"/prefix/bin/*; do
    page=$work/prefix/share/man/man1/$(basename "$program").1
    [[ -s $page ]] || { echo "$(basename "$program") has no manual page"; exit 1; }
done
