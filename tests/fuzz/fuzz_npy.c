/* fuzz_npy.c - any bytes as a .npy array, an .npz archive and a torch file. */
#include "data/npy.h"
#include "data/torch_file.h"
#include "results/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop(void *arg, const void *bytes, size_t size)
{
    *(size_t *)arg += size;
}

/* What was read can be written again, in as many bytes as announced. */
static void check(pgy_tensor *t)
{
    size_t announced = 0, written = 0;

    if (t == NULL)
        return;
    pgy_status *const st = px_npy_size(t, &announced);
    if (st == NULL && (px_npy_write(t, drop, &written) != NULL || written != announced))
        abort();
    pgy_status_free(st);
    pgy_tensor_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pgy_tensor *t = NULL;
    px_source source = {.n_refs = 1, .path = (char[]){"fuzz.npz"}, .file = {data, size}};
    px_run feeds = {0};

    pgy_status_free(px_npy_read("fuzz", data, size, &t));
    check(t);
    t = NULL;
    pgy_status_free(px_torch_read("fuzz", (px_str){(const char *)data, size}, &t));
    check(t);
    pgy_status_free(px_array_feeds_read(NULL, &source, &feeds));
    for (size_t k = 0; k < feeds.n; k++)
        for (size_t i = 0; i < feeds.at[k].n_outputs; i++) {
            t = NULL;
            pgy_status_free(px_lazy_get(NULL, feeds.at[k].outputs[i].value, &t));
            check(t);
        }
    px_run_fini(&feeds);
    if (source.n_refs != 1)
        abort();
    return 0;
}
