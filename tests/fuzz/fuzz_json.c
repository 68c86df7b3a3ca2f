/* fuzz_json.c - any bytes as a JSON file of results and of inputs: every value that is listed can
 * be read or is refused, and what was read can be described. */
#include "results/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const px_iteration *it)
{
    for (size_t i = 0; i < it->n_outputs; i++) {
        pgy_tensor *t = NULL;
        pgy_status *const st = px_lazy_get(NULL, it->outputs[i].value, &t);
        if ((st == NULL) != (t != NULL))
            abort();
        pgy_status_free(st);
        pgy_tensor_free(t);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The values point into the source, which is not unmapped: the bytes are the fuzzer's. */
    px_source source = {.n_refs = 1, .path = (char[]){"fuzz.json"}, .file = {data, size}};
    px_results results = {0};
    px_run feeds = {0};

    pgy_status_free(px_json_results_read(NULL, &source, &results));
    for (size_t i = 0; i < results.n; i++)
        for (size_t k = 0; k < results.at[i].n; k++)
            read_all(&results.at[i].at[k]);
    pgy_status_free(px_json_feeds_read(NULL, &source, &feeds));
    for (size_t k = 0; k < feeds.n; k++)
        read_all(&feeds.at[k]);
    px_results_fini(&results);
    px_run_fini(&feeds);
    if (source.n_refs != 1)
        abort();
    return 0;
}
