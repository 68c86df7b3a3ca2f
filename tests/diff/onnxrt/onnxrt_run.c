/* onnxrt_run: runs models with the onnxrt backend for test_onnxrt.py.
 *
 * Standard input: lines "MODEL<TAB>FOLDER". In FOLDER, `in.txt` has a line "dtype rank dims..." for
 * each input of the session, its bytes are in `in_K.bin`. Written are `out.txt` and `out_K.bin` in
 * the same way. A string tensor's file holds, for each element, its length in 8 bytes and its
 * bytes. Standard output: for each line "ok", or "error CODE MESSAGE" with the first line of the
 * message.
 */
#include "backend/outputs.h"
#include "backend/registry.h"
#include "base/file.h"
#include "base/tensor.h"

#include <stdio.h>

enum { MAX_INPUTS = 32 };

static pgy_status *read_strings(const px_file *file, int rank, const int64_t *dims,
                                pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_string *strings = NULL;
    int64_t count = 0;
    size_t pos = 0;
    if (!px_shape_count(rank, dims, &count))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "bad shape"));
    PX_TRY(PX_ALLOC(strings, (size_t)count + 1));
    for (int64_t i = 0; i < count; i++) {
        uint64_t len = 0;
        memcpy(&len, file->data + pos, sizeof len);
        strings[i] = (pgy_string){(const char *)file->data + pos + sizeof len, len};
        pos += sizeof len + len;
    }
    PX_TRY(px_tensor_new_strings(rank, dims, strings, out));
done:
    px_mem_free(strings);
    return st;
}

static pgy_status *read_input(const char *folder, size_t i, FILE *list, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_file file = {0};
    char path[1024];
    int dtype = 0, rank = 0;
    int64_t dims[PX_MAX_RANK];
    if (fscanf(list, "%d %d", &dtype, &rank) != 2)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "in.txt is short"));
    for (int d = 0; d < rank; d++) {
        long long dim = 0;
        if (fscanf(list, "%lld", &dim) != 1)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE, "in.txt is short"));
        dims[d] = dim;
    }
    snprintf(path, sizeof path, "%s/in_%zu.bin", folder, i);
    PX_TRY(px_file_map(path, &file));
    if (dtype == PGY_DTYPE_STRING) {
        PX_TRY(read_strings(&file, rank, dims, out));
        goto done;
    }
    PX_TRY(pgy_tensor_new((pgy_dtype)dtype, rank, dims, out));
    if ((*out)->size != file.size)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s has %zu bytes, not %zu", path, file.size, (*out)->size));
    if (file.size > 0)
        memcpy((*out)->data, file.data, file.size);
done:
    px_file_unmap(&file);
    return st;
}

static pgy_status *write_outputs(const char *folder, const pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_buf list = {0}, bytes = {0};
    char path[1024];
    for (size_t i = 0; i < out->n; i++) {
        const pgy_tensor *t = out->at[i].tensor;
        px_buf_printf(&list, "%d %d", (int)t->dtype, t->rank);
        for (int d = 0; d < t->rank; d++)
            px_buf_printf(&list, " %lld", (long long)t->dims[d]);
        px_buf_putc(&list, '\n');
        px_buf_fini(&bytes);
        if (t->dtype == PGY_DTYPE_STRING) {
            const pgy_string *s = t->data;
            for (int64_t k = 0; k < t->count; k++) {
                const uint64_t len = s[k].len;
                px_buf_put(&bytes, &len, sizeof len);
                px_buf_put(&bytes, s[k].ptr, s[k].len);
            }
        } else {
            px_buf_put(&bytes, t->data, t->size);
        }
        PX_TRY(px_buf_status(&bytes));
        snprintf(path, sizeof path, "%s/out_%zu.bin", folder, i);
        PX_TRY(px_file_write(path, bytes.ptr, bytes.len));
    }
    PX_TRY(px_buf_status(&list));
    snprintf(path, sizeof path, "%s/out.txt", folder);
    PX_TRY(px_file_write(path, list.ptr, list.len));
done:
    px_buf_fini(&list);
    px_buf_fini(&bytes);
    return st;
}

static pgy_status *run(pgy_context *cx, const pgy_backend_ops *ops, void *lib, const char *path,
                       const char *folder)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    void *session = NULL;
    const pgy_io *io = NULL;
    size_t n = 0;
    const char *names[MAX_INPUTS];
    pgy_tensor *tensors[MAX_INPUTS] = {0};
    pgy_outputs out = {0};
    FILE *list = NULL;
    char list_path[1024];

    PX_TRY(pgy_model_open(cx, path, &model));
    PX_TRY(ops->open(cx, lib, model, NULL, &session));
    PX_TRY(ops->inputs(session, &io, &n));
    if (n > MAX_INPUTS)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%zu inputs", n));
    snprintf(list_path, sizeof list_path, "%s/in.txt", folder);
    list = fopen(list_path, "r");
    if (list == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "no %s", list_path));
    for (size_t i = 0; i < n; i++) {
        names[i] = io[i].name;
        PX_TRY(read_input(folder, i, list, &tensors[i]));
    }
    const pgy_feed feed = {.n = n, .names = names, .tensors = tensors};
    PX_TRY(ops->infer(session, &feed, &out));
    PX_TRY(write_outputs(folder, &out));
done:
    if (list != NULL)
        fclose(list);
    px_outputs_clear(&out);
    for (size_t i = 0; i < MAX_INPUTS; i++)
        pgy_tensor_free(tensors[i]);
    if (session != NULL)
        ops->close(session);
    pgy_model_close(model);
    return st;
}

int main(void)
{
    pgy_context *cx = NULL;
    void *lib = NULL;
    char line[4096];
    pgy_status *st = pgy_context_new(&cx);
    const pgy_backend_ops *ops = st == NULL ? pgy_backend_find(cx, "onnxrt") : NULL;
    if (st == NULL)
        st = ops->load(cx, NULL, &lib);
    while (st == NULL && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *tab = strchr(line, '\t');
        if (tab == NULL)
            break;
        *tab = '\0';
        pgy_status *failed = run(cx, ops, lib, line, tab + 1);
        if (failed != NULL)
            printf("error %d %.*s\n", (int)pgy_status_code(failed),
                   (int)strcspn(pgy_status_message(failed), "\n"), pgy_status_message(failed));
        else
            printf("ok\n");
        fflush(stdout);
        pgy_status_free(failed);
    }
    if (st != NULL)
        fprintf(stderr, "%s\n", pgy_status_message(st));
    const int code = st != NULL;
    if (lib != NULL)
        ops->unload(lib);
    pgy_status_free(st);
    pgy_context_free(cx);
    return code;
}
