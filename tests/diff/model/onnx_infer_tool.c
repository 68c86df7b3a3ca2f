/* onnx_infer_tool.c - infers shapes of models for test_onnx_infer.py.
 *
 * Reads lines "IN<tab>OUT" from stdin: the model IN, with what was inferred written into it, goes
 * to OUT. A file that cannot be read or written gives a line "error IN: why" and the status 1.
 */
#include "model/edit.h"
#include "model/onnx_infer.h"
#include "model/onnx_write.h"

#include <stdio.h>

static pgy_status *infer_file(pgy_context *cx, const char *in, const char *out)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    px_onnx_model *m = NULL;
    px_onnx_image image = {0};
    PX_TRY(px_model_open(cx, in, PGY_MODEL_ONNX, &model));
    PX_TRY(px_model_onnx(model, &m));
    PX_TRY(px_onnx_infer_shapes(cx, m, NULL));
    PX_TRY(px_onnx_write(m, &(px_onnx_write_options){0}, &image));
    PX_TRY(px_onnx_image_save(NULL, &image, out));
done:
    px_onnx_image_fini(&image);
    pgy_model_close(model);
    return st;
}

int main(void)
{
    char line[8192];
    int rc = 0;
    pgy_context *cx = NULL;
    pgy_status_free(pgy_context_new(&cx));
    while (cx && fgets(line, sizeof line, stdin)) {
        char *tab = strchr(line, '\t');
        line[strcspn(line, "\n")] = 0;
        if (!tab)
            continue;
        *tab = 0;
        pgy_status *st = infer_file(cx, line, tab + 1);
        if (st) {
            printf("error %s: %s\n", line, pgy_status_message(st));
            rc = 1;
        }
        pgy_status_free(st);
    }
    pgy_context_free(cx);
    return rc;
}
