// job_check_life - what is wrong with expiry, keys, dependencies and labels of a submitted job.
#include "unit/job_sample.h"

#define NOW     INT64_C(1700000000000000)
#define ONE_ID  "018bcfe5-6800-7000-8000-000000000001"
#define LONGEST 255

// A text of so many bytes; two of them at a time.
static char *bytes(size_t size)
{
    static char room[2][512];
    static int turn;
    char *ret = room[turn ^= 1];
    memset(ret, 'k', size);
    ret[size] = '\0';
    return ret;
}

static void keys_have_a_length(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.unique_key = s->job.concurrency_key = bytes(LONGEST);
    accepts(s);
    s->job.unique_key = bytes(LONGEST + 1);
    bad(s, "unique_key", "found 256 bytes, expected at most 255");
    s->job.concurrency_key = bytes(LONGEST + 1);
    bad(s, "concurrency_key", "found 256 bytes, expected at most 255");
    s->job.unique_key = s->job.concurrency_key = text("any: \xc3\xa4/");
    accepts(s);
}

static void expire_time_is_a_time(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.expire_time = &s->time;
    s->time.seconds = NOW / 1000000;
    accepts(s);
    s->time.nanos = 1000000000;
    bad(s, "expire_time", "and 1000000000ns since 1970, expected the years 1970 to 9999");
    s->time.nanos = 0;
    s->time.seconds = 0;  // would mean never
    bad(s, "expire_time", "found 0s and 0ns since 1970,");
    s->time.seconds = -1;
    bad(s, "expire_time", "found -1s and 0ns since 1970,");
    s->time.seconds = INT64_MAX;
    bad(s, "expire_time", "found 9223372036854775807s");
}

static void after_names_uuids(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->texts[0] = s->texts[1] = text(ONE_ID);
    s->job.after = s->texts;
    s->job.n_after = 2;
    accepts(s);
    s->texts[1] = text("42");
    bad(s, "after[1]", "found \"42\", expected a UUID");
    s->texts[1] = text("00000000-0000-0000-0000-000000000000");
    bad(s, "after[1]", "expected a UUID");
}

static void after_has_a_cap(void **state)
{
    (void) state;
    static char *ids[1001];
    for (size_t i = 0; i < 1001; i++)
        ids[i] = text(ONE_ID);
    sample *s = http_sample();
    s->job.after = ids;
    s->job.n_after = 1000;
    accepts(s);
    s->job.n_after = 1001;
    bad(s, "after", "found 1001 ids, expected at most 1000");
}

#define MOST_LABELS 33

// Labels to spoil; the first is key: value.
static sample *label_sample(size_t count)
{
    static Errand__V1__Job__LabelsEntry labels[MOST_LABELS];
    static Errand__V1__Job__LabelsEntry *list[MOST_LABELS];
    for (size_t i = 0; i < MOST_LABELS; i++) {
        errand__v1__job__labels_entry__init(&labels[i]);
        labels[i].key = text("key");
        labels[i].value = text("value");
        list[i] = &labels[i];
    }
    sample *s = http_sample();
    s->job.labels = list;
    s->job.n_labels = count;
    return s;
}

static void labels_have_keys_without_a_colon(void **state)
{
    (void) state;
    sample *s = label_sample(1);
    accepts(s);
    s->job.labels[0]->value = text("a:b");  // the first colon splits k:v
    accepts(s);
    s->job.labels[0]->key = text("");
    bad(s, "labels", "found the key \"\", expected 1 to 255 bytes without a colon");
    s->job.labels[0]->key = text("a:b");
    bad(s, "labels", "found the key \"a:b\"");
}

static void labels_have_lengths_and_a_cap(void **state)
{
    (void) state;
    accepts(label_sample(32));
    bad(label_sample(33), "labels", "found 33, expected at most 32");
    sample *s = label_sample(1);
    s->job.labels[0]->key = s->job.labels[0]->value = bytes(LONGEST);
    accepts(s);
    s->job.labels[0]->value = bytes(LONGEST + 1);
    bad(s, "labels", "found 256 bytes for");
    s = label_sample(1);
    s->job.labels[0]->key = bytes(LONGEST + 1);
    bad(s, "labels", "expected 1 to 255 bytes");
    s->job.labels[0]->key = text("k");
    s->job.labels[0]->value = text("");
    accepts(s);
}

static void what_the_submitter_says_of_its_life_goes_into_the_row(void **state)
{
    (void) state;
    job_row row;
    sample *s = http_sample();
    uuid nil = {{0}};
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.expire_us + row.blockers, 0);
    assert_true(uuid_equal(&row.unique_key, &nil) && uuid_equal(&row.concurrency_key, &nil));
    s->job.expire_time = &s->time;
    s->time.seconds = NOW / 1000000 + 1;
    s->job.queue = text("q");
    s->job.unique_key = text("u");
    s->job.concurrency_key = text("c");
    s->texts[0] = text(ONE_ID);
    s->job.after = s->texts;
    s->job.n_after = 1;
    job_spec_row(&s->job, NOW, &row);
    const uuid unique = job_key("q", "u"), shared = job_key("q", "c");
    assert_int_equal(row.expire_us, NOW + 1000000);
    assert_int_equal(row.blockers, 1);
    assert_int_equal(row.state, JOB_BLOCKED);
    assert_true(uuid_equal(&row.unique_key, &unique));
    assert_true(uuid_equal(&row.concurrency_key, &shared));
}

static void keys_belong_to_their_queue(void **state)
{
    (void) state;
    const uuid one = job_key("q", "a"), same = job_key("q", "a");
    const uuid others[] = {job_key("q", "b"), job_key("p", "a"), job_key("qa", ""),
                           job_key("", "qa")};
    assert_true(uuid_equal(&one, &same));
    for (size_t i = 0; i < 4; i++)
        assert_false(uuid_equal(&one, &others[i]));
    assert_false(uuid_equal(&others[2], &others[3]));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys_have_a_length),
    cmocka_unit_test(expire_time_is_a_time),
    cmocka_unit_test(after_names_uuids),
    cmocka_unit_test(after_has_a_cap),
    cmocka_unit_test(labels_have_keys_without_a_colon),
    cmocka_unit_test(labels_have_lengths_and_a_cap),
    cmocka_unit_test(what_the_submitter_says_of_its_life_goes_into_the_row),
    cmocka_unit_test(keys_belong_to_their_queue),
};

UNIT_TEST_MAIN(tests)
