// result - what an attempt produced, held against what can be told of it.
#include "job/result.h"

#include "job/time.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Absent values are taken, and read as null.
static bool is_finite(const Google__Protobuf__Value *value)
{
    if (value == NULL)
        return true;
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE)
        return isfinite(value->number_value);
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE)
        for (size_t i = 0; i < value->struct_value->n_fields; i++)
            if (!is_finite(value->struct_value->fields[i]->value))
                return false;
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE)
        for (size_t i = 0; i < value->list_value->n_values; i++)
            if (!is_finite(value->list_value->values[i]))
                return false;
    return true;
}

static status *check_duration(const char *field, const Google__Protobuf__Duration *duration)
{
    char found[TIME_SHOWN_SIZE];
    int64_t us;
    if (duration == NULL || time_from_duration(duration, &us))
        return NULL;
    return status_bad_field(field, "found %s, expected at most 10,000 years",
                            time_show_duration(duration, found));
}

status *job_result_check(const Errand__V1__Result *result)
{
    status *failure = NULL;
    switch (result->output_case) {
    case ERRAND__V1__RESULT__OUTPUT_HTTP:
        return check_duration("http.total_time", result->http->total_time);
    case ERRAND__V1__RESULT__OUTPUT_EXEC:
        failure = check_duration("exec.user_time", result->exec->user_time);
        return failure ? failure : check_duration("exec.system_time", result->exec->system_time);
    case ERRAND__V1__RESULT__OUTPUT_VALUE:
        if (!is_finite(result->value))
            failure = status_bad_field("value", "found a number that is not finite, expected any "
                                                "JSON value");
        return failure;
    case ERRAND__V1__RESULT__OUTPUT_DATA:
    case ERRAND__V1__RESULT__OUTPUT__NOT_SET:
    case _ERRAND__V1__RESULT__OUTPUT__CASE_IS_INT_SIZE:
        break;
    }
    return NULL;
}
