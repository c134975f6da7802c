// worker http sockets - which sockets of curl are watched, and what is told of them.
#include "unit/unit_test.h"

#include "worker/http_sockets.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// What curl would do: it reads what is there, and may then want another thing.
typedef struct scene {
    uv_loop_t loop;
    http_sockets *sockets;
    int told, flags;
    curl_socket_t told_of;
    int then;               // a CURL_POLL_…, asked for while it is told; 0: nothing
    curl_socket_t then_of;  // of this one; 0: of the one that is told
    bool reads;
} scene;

static void on_ready(void *owner, curl_socket_t fd, int flags)
{
    scene *s = (scene *) owner;
    char byte;
    s->told++;
    s->told_of = fd;
    s->flags = flags;
    if (s->reads) {
        (void) !read(fd, &byte, 1);
    }
    if (s->then != 0) {
        curl_socket_t of = s->then_of != 0 ? s->then_of : fd;
        assert_true(http_sockets_watch(s->sockets, of, s->then, s));
    }
}

static scene *scene_new(void)
{
    scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_null(http_sockets_open(&s->loop, on_ready, &s->sockets));
    return s;
}

static void close_handle(uv_handle_t *handle, void *data)
{
    (void) data;
    uv_close(handle, NULL);
}

static void scene_free(scene *s)
{
    uv_walk(&s->loop, close_handle, NULL);
    assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
    http_sockets_close(s->sockets);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    free(s);
}

// What is ready is told by the time it returns.
static int turn(scene *s)
{
    int before = s->told;
    (void) uv_run(&s->loop, UV_RUN_NOWAIT);
    return s->told - before;
}

// Nothing is ready that is not wanted, or the loop would never sleep.
static void assert_loop_rests(scene *s)
{
    struct pollfd loop = {.fd = uv_backend_fd(&s->loop), .events = POLLIN};
    assert_int_equal(turn(s), 0);
    assert_int_equal(poll(&loop, 1, 0), 0);
}

static void make_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
    (void) close(pair[0]);
    (void) close(pair[1]);
}

static void put_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void a_socket_is_told_as_long_as_it_is_wanted(void **state)
{
    (void) state;
    int pair[2];
    make_pair(pair);
    scene *s = scene_new();
    s->reads = true;
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_IN, s));
    assert_int_equal(turn(s), 0);
    for (int i = 0; i < 5; i++) {
        put_byte(pair[1]);
        assert_int_equal(turn(s), 1);
        assert_int_equal(s->told_of, pair[0]);
        assert_int_equal(s->flags, CURL_CSELECT_IN);
        assert_int_equal(turn(s), 0);
    }
    scene_free(s);
    close_pair(pair);
}

static void what_is_left_to_read_is_told_again(void **state)
{
    (void) state;
    int pair[2];
    make_pair(pair);
    scene *s = scene_new();
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_IN, s));
    put_byte(pair[1]);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(turn(s), 1);
    }
    scene_free(s);
    close_pair(pair);
}

static void a_socket_that_is_not_wanted_any_more_is_not_told(void **state)
{
    (void) state;
    int pair[2];
    make_pair(pair);
    scene *s = scene_new();
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_IN, s));
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_REMOVE, s));
    put_byte(pair[1]);
    assert_int_equal(turn(s), 0);
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_IN, s));
    assert_int_equal(turn(s), 1);
    assert_int_equal(turn(s), 1);  // steadily by now
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_REMOVE, s));
    assert_loop_rests(s);
    scene_free(s);
    close_pair(pair);
}

static void a_wish_may_change_while_it_is_told(void **state)
{
    (void) state;
    int pair[2];
    make_pair(pair);
    scene *s = scene_new();
    s->then = CURL_POLL_IN;
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_OUT, s));
    assert_int_equal(turn(s), 1);
    assert_int_equal(s->flags, CURL_CSELECT_OUT);
    assert_int_equal(turn(s), 0);
    put_byte(pair[1]);
    s->then = CURL_POLL_REMOVE;
    assert_int_equal(turn(s), 1);
    assert_int_equal(s->flags, CURL_CSELECT_IN);
    assert_int_equal(turn(s), 0);
    s->then = 0;
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_INOUT, s));
    assert_int_equal(turn(s), 1);
    assert_int_equal(s->flags, CURL_CSELECT_IN | CURL_CSELECT_OUT);
    scene_free(s);
    close_pair(pair);
}

// Both are ready at the same time; the one that is told first lets go of the other.
static void what_came_before_a_wish_changed_is_not_told(void **state)
{
    (void) state;
    int one[2], other[2];
    make_pair(one);
    make_pair(other);
    scene *s = scene_new();
    assert_true(http_sockets_watch(s->sockets, one[0], CURL_POLL_IN, s));
    assert_true(http_sockets_watch(s->sockets, other[0], CURL_POLL_IN, s));
    put_byte(one[1]);
    put_byte(other[1]);
    s->then = CURL_POLL_REMOVE;
    s->then_of = other[0];
    assert_int_equal(turn(s), 1);
    assert_int_equal(s->told_of, one[0]);
    scene_free(s);
    close_pair(one);
    close_pair(other);
}

static void a_socket_closed_without_a_word_leaves_its_number_to_another(void **state)
{
    (void) state;
    int first[2], second[2];
    make_pair(first);
    scene *s = scene_new();
    assert_true(http_sockets_watch(s->sockets, first[0], CURL_POLL_IN, s));
    assert_true(http_sockets_watch(s->sockets, first[0], CURL_POLL_REMOVE, s));
    make_pair(second);
    assert_int_equal(dup2(second[0], first[0]), first[0]);  // closes the first
    put_byte(second[1]);
    assert_int_equal(turn(s), 0);
    assert_true(http_sockets_watch(s->sockets, first[0], CURL_POLL_IN, s));
    assert_int_equal(turn(s), 1);
    assert_int_equal(s->told_of, first[0]);
    scene_free(s);
    close_pair(first);
    close_pair(second);
}

static void of_a_broken_connection_all_that_is_wanted_is_ready(void **state)
{
    (void) state;
    int pair[2];
    make_pair(pair);
    scene *s = scene_new();
    assert_true(http_sockets_watch(s->sockets, pair[0], CURL_POLL_IN, s));
    (void) close(pair[1]);
    assert_int_equal(turn(s), 1);
    assert_int_equal(s->flags, CURL_CSELECT_IN);
    s->then = CURL_POLL_REMOVE;
    assert_int_equal(turn(s), 1);
    assert_loop_rests(s);
    scene_free(s);
    (void) close(pair[0]);
}

static void what_is_no_socket_can_not_be_watched(void **state)
{
    (void) state;
    scene *s = scene_new();
    assert_false(http_sockets_watch(s->sockets, CURL_SOCKET_BAD, CURL_POLL_IN, s));
    assert_false(http_sockets_watch(s->sockets, 1000, CURL_POLL_IN, s));  // not open
    scene_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_socket_is_told_as_long_as_it_is_wanted),
    cmocka_unit_test(what_is_left_to_read_is_told_again),
    cmocka_unit_test(a_socket_that_is_not_wanted_any_more_is_not_told),
    cmocka_unit_test(a_wish_may_change_while_it_is_told),
    cmocka_unit_test(what_came_before_a_wish_changed_is_not_told),
    cmocka_unit_test(a_socket_closed_without_a_word_leaves_its_number_to_another),
    cmocka_unit_test(of_a_broken_connection_all_that_is_wanted_is_ready),
    cmocka_unit_test(what_is_no_socket_can_not_be_watched),
};

UNIT_TEST_MAIN(tests)
