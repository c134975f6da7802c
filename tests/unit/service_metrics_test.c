// service_metrics - what the metrics say of the jobs of a server.
#include "unit/service_rig.h"

#include "base/metrics.h"

static char metrics_text[4 << 20];

static const char *read_metrics(void)
{
    AUTO_BUF out = {0};
    metrics_render(&out);
    assert_true(!out.failed && out.size < sizeof metrics_text);
    memcpy(metrics_text, out.bytes, out.size);
    metrics_text[out.size] = '\0';
    return metrics_text;
}

static void assert_says(const char *line)
{
    char wanted[256];
    (void) snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(read_metrics(), wanted) == NULL) {
        fail_msg("no line \"%s\" in:\n%s", line, metrics_text);
    }
}

static void submit_to(const char *queue)
{
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    job.queue = text(queue);
    (void) submit(&job);
}

static void jobs_are_counted_on_their_way(void **state)
{
    (void) state;
    submit_to("mail");
    submit_to("mail");
    submit_to("mail");
    assert_says("errand_jobs_submitted_total{queue=\"mail\"} 3");
    assert_says("errand_jobs{queue=\"mail\",state=\"READY\"} 3");
    succeed(lease_one(1), data_result("text/plain", "x"));
    fail_for_good(lease_one(2), "no");
    assert_says("errand_jobs{queue=\"mail\",state=\"READY\"} 1");
    assert_says("errand_jobs{queue=\"mail\",state=\"SUCCEEDED\"} 1");
    assert_says("errand_jobs_finished_total{queue=\"mail\",state=\"SUCCEEDED\"} 1");
    assert_says("errand_jobs_finished_total{queue=\"mail\",state=\"FAILED\"} 1");
    assert_says("errand_jobs_finished_total{queue=\"mail\",state=\"CANCELLED\"} 0");
    assert_says("errand_job_attempts_failed_total{queue=\"mail\"} 1");
    assert_says("errand_job_wait_seconds_count{queue=\"mail\"} 2");
    assert_says("errand_job_run_seconds_count{queue=\"mail\"} 2");
    assert_says("errand_workers 1");
    assert_says("errand_results_queue_length 0");
}

static void the_oldest_job_of_a_queue_ages(void **state)
{
    (void) state;
    submit_to("mail");
    const char *line =
        strstr(read_metrics(), "\nerrand_queue_oldest_job_age_seconds{queue=\"mail\"}");
    assert_non_null(line);
    double age = strtod(strchr(line, '}') + 1, NULL);
    assert_true(age > 0 && age < 60);
    succeed(lease_one(1), data_result("text/plain", "x"));
    assert_says("errand_queue_oldest_job_age_seconds{queue=\"mail\"} 0");
}

static void a_job_that_is_submitted_again_counts_once(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    job.id = text("01890000-0000-7000-8000-0000000000aa");
    (void) submit(&job);
    (void) submit(&job);
    assert_says("errand_jobs_submitted_total{queue=\"default\"} 1");
}

static void too_many_queues_count_as_one(void **state)
{
    (void) state;
    char name[16];
    submit_to("other");  // somebody has called a queue so
    for (int i = 0; i < 203; i++) {
        (void) snprintf(name, sizeof name, "q%d", i);
        submit_to(name);
    }
    assert_says("errand_jobs_submitted_total{queue=\"q199\"} 1");
    assert_null(strstr(read_metrics(), "\"q200\""));
    assert_says("errand_jobs_submitted_total{queue=\"other\"} 4");
    assert_says("errand_jobs{queue=\"other\",state=\"READY\"} 4");
}

static void commits_are_measured(void **state)
{
    (void) state;
    submit_to("mail");
    assert_non_null(strstr(read_metrics(), "\nerrand_store_commit_seconds_count "));
    assert_non_null(strstr(metrics_text, "\nerrand_store_batch_jobs_bucket{le=\"1\"} "));
}

static void a_service_that_has_stopped_is_not_asked(void **state)
{
    (void) state;
    submit_to("mail");
    assert_non_null(strstr(read_metrics(), "errand_jobs{"));
    service_stop(srig.service);
    assert_null(strstr(read_metrics(), "errand_jobs{"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(jobs_are_counted_on_their_way, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(the_oldest_job_of_a_queue_ages, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_is_submitted_again_counts_once, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(too_many_queues_count_as_one, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(commits_are_measured, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_service_that_has_stopped_is_not_asked, srig_start, srig_stop),
};

UNIT_TEST_MAIN(tests)
