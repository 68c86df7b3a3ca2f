/* onnx_edit_tool.c - edits and saves a model as the run command would, for test_onnx_edit.py.
 *
 * onnx_edit_tool MODEL [--option VALUE...]...: the options of `polygraphy run` that change or save
 * an ONNX model. With --serialize PATH, what a runtime would get is written there too. Messages go
 * to stderr; the exit status is 1 on an error.
 */
#include "model/edit.h"

static void print(void *user, pgy_severity severity, const char *origin, int indent,
                  const char *message, size_t length)
{
    PX_UNUSED(user);
    PX_UNUSED(origin);
    PX_UNUSED(indent);
    fprintf(stderr, "[%d] %.*s\n", severity, (int)length, message);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] == '-';
}

static void list(px_opt_strs *out, const char **words, size_t n)
{
    *out = (px_opt_strs){.given = true, .n = n, .at = words};
}

static void option(px_model_args *a, const char **serialize, const char *name, const char **words,
                   size_t n)
{
    const px_opt_str value = {.given = true, .value = n > 0 ? words[0] : NULL};
    if (strcmp(name, "--onnx-outputs") == 0)
        list(&a->onnx_outputs, words, n);
    else if (strcmp(name, "--onnx-exclude-outputs") == 0)
        list(&a->onnx_exclude_outputs, words, n);
    else if (strcmp(name, "--onnx-outputs-by-type") == 0)
        list(&a->onnx_outputs_by_type, words, n);
    else if (strcmp(name, "--save-onnx") == 0)
        a->save_onnx = value;
    else if (strcmp(name, "--save-external-data") == 0)
        a->save_external_data = value;
    else if (strcmp(name, "--external-data-dir") == 0)
        a->external_data_dir = value;
    else if (strcmp(name, "--ignore-external-data") == 0)
        a->ignore_external_data.given = true;
    else if (strcmp(name, "--no-save-all-tensors-to-one-file") == 0)
        a->no_save_all_tensors_to_one_file.given = true;
    else if (strcmp(name, "--external-data-size-threshold") == 0)
        a->external_data_size_threshold =
            (px_opt_int){.given = true, .value = strtoll(words[0], NULL, 10)};
    else if (strcmp(name, "--fp-to-fp16") == 0)
        a->fp_to_fp16.given = true;
    else if (strcmp(name, "--fp-to-bf16") == 0)
        a->fp_to_bf16.given = true;
    else if (strcmp(name, "--fp16-keep") == 0)
        list(&a->fp16_keep, words, n);
    else if (strcmp(name, "--serialize") == 0)
        *serialize = words[0];
    else
        exit(3);
}

int main(int argc, char **argv)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    pgy_model *model = NULL;
    px_model_args args = {0};
    px_model_image image = {0};
    const char *serialize = NULL;
    for (int i = 2; i < argc;) {
        int end = i + 1;
        while (end < argc && !is_option(argv[end]))
            end++;
        option(&args, &serialize, argv[i], (const char **)&argv[i + 1], (size_t)(end - i - 1));
        i = end;
    }
    PX_TRY(pgy_context_new(&cx));
    pgy_context_set_log(cx, print, NULL);
    pgy_context_set_level(cx, PGY_LOG_VERBOSE);
    PX_TRY(px_model_open(cx, argv[1], PGY_MODEL_ONNX, &model));
    PX_TRY(px_model_apply(cx, model, &args));
    if (serialize) {
        PX_TRY(px_model_serialize(model, &image));
        fprintf(stderr, "external_dir %s\n", image.external_dir ? image.external_dir : "-");
        if (image.path)
            fprintf(stderr, "path %s\n", image.path);
        else
            PX_TRY(px_file_write(serialize, image.bytes.ptr, image.bytes.len));
    }
done:
    if (st)
        fprintf(stderr, "error %d %s\n", pgy_status_code(st), pgy_status_message(st));
    int rc = st ? 1 : 0;
    pgy_status_free(st);
    px_model_image_fini(&image);
    pgy_model_close(model);
    pgy_context_free(cx);
    return rc;
}
