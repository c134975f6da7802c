# lint - `lint` checks format, the floors, the scripts and clang-tidy; `format` formats.

find_program(ERRAND_CLANG_FORMAT NAMES clang-format-14)
find_program(ERRAND_RUN_CLANG_TIDY NAMES run-clang-tidy-14)
find_program(ERRAND_CLANG_TIDY NAMES clang-tidy-14)
find_program(ERRAND_SHELLCHECK NAMES shellcheck)
find_program(ERRAND_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
include(ProcessorCount)
ProcessorCount(errand_processors)

# Sources are listed when the target runs, so that a new file is never forgotten.
set(list_sources "find src gateway clients bench tests -name '*.[ch]' -print0")
set(check_format "${list_sources} | xargs -0 -r ${ERRAND_CLANG_FORMAT} --dry-run -Werror")
set(apply_format "${list_sources} | xargs -0 -r ${ERRAND_CLANG_FORMAT} -i")
set(check_scripts "${ERRAND_SHELLCHECK} -x scripts/*.sh scripts/lib/*.sh tests/*.sh .ci/run")
# Generated code is in the build directory; ours is not. Compiler warnings are the compiler's task:
# clang does not even know all of gcc's. Assertions tell the analyzer what can not be.
set(check_tidy "${ERRAND_RUN_CLANG_TIDY} -quiet -clang-tidy-binary ${ERRAND_CLANG_TIDY} \
-j ${errand_processors} -extra-arg=-Wno-unknown-warning-option -extra-arg=-Wno-error \
-extra-arg=-UNDEBUG -p ${CMAKE_BINARY_DIR} \
'^${CMAKE_SOURCE_DIR}/(src|gateway|clients|bench|tests)/' >${CMAKE_BINARY_DIR}/tidy.txt 2>&1 \
|| { grep -aE 'error:|warning:' ${CMAKE_BINARY_DIR}/tidy.txt | sort -u; \
echo 'how it gets there: ${CMAKE_BINARY_DIR}/tidy.txt'; exit 1; }")

if(ERRAND_CLANG_FORMAT AND ERRAND_RUN_CLANG_TIDY AND ERRAND_CLANG_TIDY AND ERRAND_PYTHON
   AND ERRAND_SHELLCHECK)
    add_custom_target(lint
        COMMAND sh -c "${check_format}"
        COMMAND "${ERRAND_PYTHON}" tests/floors.py
        COMMAND sh -c "${check_scripts}"
        COMMAND sh -c "${check_tidy}"
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
        COMMENT "Checking format, floors, scripts and clang-tidy"
        VERBATIM USES_TERMINAL)
    # The analysis includes generated headers.
    add_dependencies(lint errand_proto)
    add_custom_target(format
        COMMAND sh -c "${apply_format}"
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
        COMMENT "Formatting"
        VERBATIM)
endif()
