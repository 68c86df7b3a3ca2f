/* test_model.h - opening the models of tests/data/models. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include "test_base.h"

#include "base/file.h"
#include "base/tensor.h"
#include "model/model.h"

#include "load_graph.h"

static inline void model_path(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/models/%s", PX_TEST_DATA, name);
}

static inline pgy_model *open_model(pgy_context *cx, const char *name)
{
    char path[4096];
    pgy_model *model = NULL;
    model_path(path, sizeof path, name);
    assert_ok(pgy_model_open(cx, path, &model));
    return model;
}

/* The whole file in memory of its own, so that a sanitizer sees every step past its end. */
static inline char *read_model(const char *name, size_t *out_size)
{
    char path[4096];
    px_file file = {0};
    model_path(path, sizeof path, name);
    assert_ok(px_file_map(path, &file));
    char *bytes = px_mem_alloc(file.size);
    assert_non_null(bytes);
    memcpy(bytes, file.data, file.size);
    *out_size = file.size;
    px_file_unmap(&file);
    return bytes;
}

#endif
