// openapi_document FILE - writes the OpenAPI document there.
#include "gateway/openapi.h"

#include <stdbool.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const buf *document = openapi_document();
    FILE *file = argc == 2 && document != NULL ? fopen(argv[1], "we") : NULL;
    if (file == NULL) {
        return 1;
    }
    bool written = fwrite(document->bytes, 1, document->size, file) == document->size;
    return fclose(file) == 0 && written ? 0 : 1;
}
