// exec process - one command on a loop that the test turns: what comes first, and what finds room.
#include "unit/exec_scene.h"

#include "worker/exec_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#define MIB         ((size_t) 1 << 20)
#define FLOOD_BYTES 3000000
#define FLOOD       "head -c 3000000 /dev/zero"

typedef struct process_scene {
    uv_loop_t loop;
    exec_host host;
    exec_commands *commands;
    attempt_source source;
    attempt_source *sources[1];
    attempts all;
    attempt attempt;
    Errand__V1__Job job;
    Errand__V1__Command call;
    char *args[1];
    bool over;
    exec_event event;
    exec_reason reason;
    size_t out_bytes;
} process_scene;

static process_scene *scene;

static void heard(void *data, const exec_event *event)
{
    exec_process_heard((exec_host *) data, event);
}

static void lost(void *data)
{
    exec_process_lost((exec_host *) data);
}

static void ended(exec_process *p, const exec_event *event)
{
    scene->over = true;
    scene->event = *event;
    scene->reason = p->reason;
    scene->out_bytes = p->out_text.kept.size;
}

static void describe_job(process_scene *s)
{
    errand__v1__job__init(&s->job);
    errand__v1__command__init(&s->call);
    s->call.name = (char *) (uintptr_t) "sh";
    s->call.args = s->args;
    s->call.n_args = 1;
    s->job.input_case = ERRAND__V1__JOB__INPUT_EXEC;
    s->job.exec = &s->call;
    s->sources[0] = &s->source;
    s->all = (attempts){.sources = s->sources, .source_count = 1, .max_held_bytes = MIB};
    s->attempt.owner = &s->all;
    s->attempt.job = &s->job;
    s->attempt.memory = arena_new(0);
}

static int set_up(void **state)
{
    AUTO_FREE char *path = NULL;
    process_scene *s = calloc(1, sizeof *s);
    config_pair pair = {(char *) (uintptr_t) "sh",
                        (char *) (uintptr_t) "argv=sh,-c,{0} timeout=1ms grace=1h"};
    const config_map map = {&pair, 1};
    const exec_launch_listener listener = {.heard = heard, .lost = lost, .data = &s->host};
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_null(exec_commands_open(&map, &s->commands));
    assert_null(exec_launch_find(&path));
    assert_null(exec_launch_open(&s->loop, path, &listener, &s->host.launch));
    s->host.loop = &s->loop;
    s->host.max_stdout = 4 * MIB;
    s->host.nothing_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->host.room.resume = exec_process_resume;
    s->host.ended = ended;
    describe_job(s);
    scene = *state = s;
    return 0;
}

static void close_handle(uv_handle_t *handle, void *data)
{
    (void) data;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static int tear_down(void **state)
{
    process_scene *s = *state;
    uv_walk(&s->loop, close_handle, NULL);
    (void) uv_run(&s->loop, UV_RUN_DEFAULT);
    exec_launch_close(s->host.launch);
    exec_process_free_all(&s->host);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    close(s->host.nothing_fd);
    exec_commands_free(s->commands);
    arena_free(s->attempt.memory);
    free(s);
    return 0;
}

static exec_process *start(process_scene *s, const char *script)
{
    exec_call call;
    exec_process *p = NULL;
    const exec_command *command = exec_commands_find(s->commands, "sh");
    s->args[0] = (char *) (uintptr_t) script;
    assert_null(exec_command_call(command, &s->job, s->attempt.memory, &call));
    assert_null(exec_process_start(&s->host, command, &call, &s->attempt, &p));
    return p;
}

// A command that may take as long as it likes.
static exec_process *start_patiently(process_scene *s, const char *script)
{
    exec_process *p = start(s, script);
    assert_int_equal(uv_timer_stop(&p->timer), 0);
    return p;
}

// ---- what comes first ----

static pid_t read_number(int fd)
{
    char text[32] = "";
    struct pollfd there = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&there, 1, RIG_TIMEOUT_S * 1000), 1);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    return (pid_t) strtol(text, NULL, 10);
}

// Both are there when the loop looks: it looks at the time first.
static void an_end_before_the_time_was_up_counts(void **state)
{
    process_scene *s = *state;
    char fifo[] = "/tmp/exec_test_XXXXXX", script[64];
    close(mkstemp(fifo));
    assert_int_equal(unlink(fifo), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    (void) snprintf(script, sizeof script, "echo $$ >%s", fifo);
    int end = open(fifo, O_RDWR | O_CLOEXEC);
    (void) start(s, script);
    assert_gone(read_number(end));
    close(end);
    assert_int_equal(unlink(fifo), 0);
    for (uint64_t now = uv_hrtime(); uv_hrtime() < now + 5000000;) {
    }
    while (!s->over) {
        (void) uv_run(&s->loop, UV_RUN_ONCE);
    }
    assert_int_equal(s->reason, EXEC_TIMED_OUT);
    assert_false(s->event.signalled);
    assert_int_equal(s->event.wait_status, 0);
}

static void a_signal_before_the_end_counts(void **state)
{
    process_scene *s = *state;
    (void) start(s, "trap 'exit 0' TERM; sleep 300 & wait");
    while (!s->over) {
        (void) uv_run(&s->loop, UV_RUN_ONCE);
    }
    assert_int_equal(s->reason, EXEC_TIMED_OUT);
    assert_true(s->event.signalled);
}

// ---- what finds room ----

// Somebody else has all of it, and more.
static void fill_room(process_scene *s, room_place *other)
{
    other->owner = &s->all;
    assert_true(room_take(&s->host.room, other, 3 * MIB));
    assert_ptr_equal(s->host.room.favoured, other);
}

static void run_until_it_waits(process_scene *s, const exec_process *p)
{
    while (!p->place.waiting) {
        assert_false(s->over);
        (void) uv_run(&s->loop, UV_RUN_ONCE);
    }
    assert_true(p->out_text.kept.size <= ROOM_FREE_BYTES);
}

static void output_that_finds_no_room_waits_in_the_pipe(void **state)
{
    process_scene *s = *state;
    room_place other = {0};
    fill_room(s, &other);
    exec_process *p = start_patiently(s, FLOOD);
    run_until_it_waits(s, p);
    room_turn(&s->host.room);
    assert_true(p->place.waiting);
    room_leave(&s->host.room, &other);
    room_turn(&s->host.room);
    assert_false(p->place.waiting);
    while (!s->over) {
        room_turn(&s->host.room);
        (void) uv_run(&s->loop, UV_RUN_ONCE);
    }
    assert_int_equal(s->out_bytes, FLOOD_BYTES);
    assert_int_equal(s->all.held_bytes, 0);
    assert_null(s->host.room.favoured);
}

static void a_command_that_nobody_waits_for_takes_no_room(void **state)
{
    process_scene *s = *state;
    room_place other = {0};
    fill_room(s, &other);
    size_t before = s->all.held_bytes;
    exec_process *p = start_patiently(s, "trap '' TERM; " FLOOD);
    run_until_it_waits(s, p);
    exec_process_disown(p);
    assert_null(s->host.room.waiting);
    assert_int_equal(s->all.held_bytes, before);
    while (!s->over) {
        (void) uv_run(&s->loop, UV_RUN_ONCE);
    }
    assert_int_equal(s->out_bytes, 0);
    room_leave(&s->host.room, &other);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(an_end_before_the_time_was_up_counts, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_signal_before_the_end_counts, set_up, tear_down),
    cmocka_unit_test_setup_teardown(output_that_finds_no_room_waits_in_the_pipe, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_command_that_nobody_waits_for_takes_no_room, set_up,
                                    tear_down),
};

UNIT_TEST_MAIN(tests)
