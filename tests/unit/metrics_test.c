// metrics - counters, histograms and sources as text.
#include "unit/unit_test.h"

#include "base/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const metrics_family plain = {
    .name = "test_plain_total", .help = "Plain.", .type = METRICS_COUNTER};
static const metrics_family labelled = {.name = "test_labelled_total",
                                        .help = "Labelled.",
                                        .type = METRICS_COUNTER,
                                        .labels = {"queue", "state"}};
static const metrics_family times = {.name = "test_times_seconds",
                                     .help = "Times.",
                                     .type = METRICS_HISTOGRAM,
                                     .labels = {"queue"},
                                     .buckets = &metrics_short_times};

static char text[8 << 20];

static const char *rendered(void)
{
    AUTO_BUF out = {0};
    metrics_render(&out);
    assert_false(out.failed);
    assert_true(out.size < sizeof text);
    memcpy(text, out.bytes, out.size);
    text[out.size] = '\0';
    return text;
}

static void assert_line(const char *line)
{
    char wanted[256];
    (void) snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(rendered(), wanted) == NULL) {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void a_counter_counts(void **state)
{
    (void) state;
    metrics_series *series = metrics_get(&plain, NULL, NULL);
    metrics_add(series, 2);
    metrics_add(series, 40);
    assert_line("# TYPE test_plain_total counter");
    assert_line("test_plain_total 42");
    assert_ptr_equal(metrics_get(&plain, NULL, NULL), series);
}

static void each_set_of_labels_counts_for_itself(void **state)
{
    (void) state;
    metrics_add(metrics_get(&labelled, "a", "x"), 1);
    metrics_add(metrics_get(&labelled, "a", "y"), 2);
    metrics_add(metrics_get(&labelled, "b", "x"), 3);
    metrics_add(metrics_get(&labelled, "a", "x"), 4);
    assert_line("test_labelled_total{queue=\"a\",state=\"x\"} 5");
    assert_line("test_labelled_total{queue=\"a\",state=\"y\"} 2");
    assert_line("test_labelled_total{queue=\"b\",state=\"x\"} 3");
}

static void label_values_are_escaped(void **state)
{
    (void) state;
    metrics_add(metrics_get(&labelled, "q\"\\\n", ""), 7);
    assert_line("test_labelled_total{queue=\"q\\\"\\\\\\n\",state=\"\"} 7");
}

static void a_histogram_is_cumulative_and_in_seconds(void **state)
{
    (void) state;
    metrics_series *series = metrics_get(&times, "q", NULL);
    metrics_observe(series, 100);       // at the bound: within it
    metrics_observe(series, 101);       // in the next
    metrics_observe(series, 99999999);  // beyond all
    metrics_observe(series, -5);        // a clock that went back
    assert_line("test_times_seconds_bucket{queue=\"q\",le=\"0.0001\"} 2");
    assert_line("test_times_seconds_bucket{queue=\"q\",le=\"0.00025\"} 3");
    assert_line("test_times_seconds_bucket{queue=\"q\",le=\"10\"} 3");
    assert_line("test_times_seconds_bucket{queue=\"q\",le=\"+Inf\"} 4");
    assert_line("test_times_seconds_sum{queue=\"q\"} 100.0002");
    assert_line("test_times_seconds_count{queue=\"q\"} 4");
}

static void *add_many(void *argument)
{
    for (int i = 0; i < 10000; i++) {
        metrics_add(argument, 1);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    (void) state;
    pthread_t threads[8];
    metrics_series *series = metrics_get(&labelled, "many", "");
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, series), 0);
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_line("test_labelled_total{queue=\"many\",state=\"\"} 80000");
}

static void the_series_of_a_family_are_capped(void **state)
{
    (void) state;
    char name[16];
    metrics_series *last = NULL;
    for (int i = 0; i < 5000; i++) {
        (void) snprintf(name, sizeof name, "%d", i);
        last = metrics_get(&times, name, NULL);
    }
    assert_null(last);
    metrics_observe(last, 1);  // harmless
    assert_non_null(metrics_get(&times, "17", NULL));
}

static void write_source(void *data, buf *out)
{
    static const metrics_family gauge = {
        .name = "test_gauge", .help = "Gauge.", .type = METRICS_GAUGE};
    metrics_write_head(out, &gauge);
    metrics_write_number(out, &gauge, NULL, NULL, *(double *) data);
}

static void a_source_is_asked_until_it_is_removed(void **state)
{
    (void) state;
    double number = 2.5;
    assert_true(metrics_add_source(write_source, &number));
    assert_line("test_gauge 2.5");
    metrics_remove_source(write_source, &number);
    assert_null(strstr(rendered(), "test_gauge"));
}

static void the_process_and_the_version_are_told(void **state)
{
    (void) state;
    metrics_set_version("1.2.3");
    assert_line("errand_build_info{version=\"1.2.3\"} 1");
    assert_line("# TYPE process_cpu_seconds_total counter");
    assert_non_null(strstr(rendered(), "\nprocess_resident_memory_bytes "));
    assert_non_null(strstr(text, "\nprocess_start_time_seconds 1"));
    assert_non_null(strstr(text, "\nprocess_open_fds "));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_counter_counts),
    cmocka_unit_test(each_set_of_labels_counts_for_itself),
    cmocka_unit_test(label_values_are_escaped),
    cmocka_unit_test(a_histogram_is_cumulative_and_in_seconds),
    cmocka_unit_test(nothing_is_lost_between_threads),
    cmocka_unit_test(the_series_of_a_family_are_capped),
    cmocka_unit_test(a_source_is_asked_until_it_is_removed),
    cmocka_unit_test(the_process_and_the_version_are_told),
};

UNIT_TEST_MAIN(tests)
