# smoke - runs one scenario of errand-bench with tiny counts and looks at its JSON.
# cmake -DBENCH=FILE -DERRANDD=FILE -DSCENARIO=NAME -P smoke.cmake

execute_process(
    COMMAND "${BENCH}" --errandd "${ERRANDD}" --json - --runs 2 --count 40 --time-ms 1000
            --timeout-s 30 --batch 10 --lease 7 --workers 8 --delay-ms 5 --backlog 5000
            "${SCENARIO}"
    OUTPUT_VARIABLE text
    RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "errand-bench ${SCENARIO} ended with ${failed}")
endif()

string(JSON name GET "${text}" scenarios 0 scenario)
if(NOT name STREQUAL SCENARIO)
    message(FATAL_ERROR "expected the figures of ${SCENARIO}, found ${name}")
endif()
string(JSON rows LENGTH "${text}" scenarios 0 rows)
if(rows EQUAL 0)
    message(FATAL_ERROR "no rows in\n${text}")
endif()

# Each row has its main figure, taken in both runs, above zero.
set(main_figure rate)
if(SCENARIO MATCHES "latency|waiters")
    set(main_figure p50)
elseif(SCENARIO STREQUAL "idle")
    set(main_figure "server memory")
elseif(SCENARIO STREQUAL "cost")
    set(main_figure "server cpu")
elseif(SCENARIO MATCHES "scale|backlog")
    set(main_figure "finish rate")
endif()
math(EXPR last "${rows} - 1")
foreach(row RANGE ${last})
    # What is not installed is said.
    string(JSON skipped ERROR_VARIABLE measured GET "${text}" scenarios 0 rows ${row} skipped)
    if(NOT measured)
        message("${skipped}")
        continue()
    endif()
    string(JSON median GET "${text}" scenarios 0 rows ${row} figures "${main_figure}" median)
    string(JSON samples LENGTH "${text}" scenarios 0 rows ${row} figures "${main_figure}" samples)
    if(NOT median GREATER 0 OR NOT samples EQUAL 2)
        message(FATAL_ERROR "row ${row}: ${main_figure} is ${median} from ${samples} runs in\n${text}")
    endif()
endforeach()
