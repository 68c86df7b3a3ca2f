/* replay.c - runs one fuzz target over files, each whole, cut and with bits flipped: what the
 * fuzzer found stays found, on machines without libFuzzer too. */
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = px_mem_alloc(size); /* so that a sanitizer sees a step past the end */
    if (!exact)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    px_mem_free(exact);
}

static void replay(const char *path)
{
    px_file file = {0};
    pgy_status *st = px_file_map(path, &file);
    if (st) {
        fprintf(stderr, "%s\n", pgy_status_message(st));
        exit(1);
    }
    run(file.data, file.size);
    uint8_t *copy = px_mem_alloc(file.size);
    for (size_t i = 0; copy && i < file.size; i += 1 + file.size / 256) {
        run(file.data, i);
        memcpy(copy, file.data, file.size);
        copy[i] ^= (uint8_t)(1u << i % 8);
        run(copy, file.size);
    }
    px_mem_free(copy);
    px_file_unmap(&file);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!px_path_is_dir(argv[i])) {
            replay(argv[i]);
            continue;
        }
        char **names = NULL;
        size_t n = 0;
        pgy_status *st = px_path_list(argv[i], NULL, &names, &n);
        if (st)
            return 1;
        for (size_t k = 0; k < n; k++) {
            char *path = px_path_join(argv[i], names[k]);
            if (path && !px_path_is_dir(path))
                replay(path);
            px_mem_free(path);
            px_mem_free(names[k]);
        }
        px_mem_free(names);
        printf("%zu files of %s\n", n, argv[i]);
    }
    return 0;
}
