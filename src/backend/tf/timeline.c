/* backend/tf/timeline.c - see timeline.h. Field numbers are those of config.proto and
 * step_stats.proto. */
#include "backend/tf/timeline.h"

#include "base/file.h"
#include "base/log.h"
#include "model/pb_read.h"

enum { METADATA_STATS = 1 };
enum { STATS_DEVICE = 1 };
enum { DEVICE_NAME = 1, DEVICE_NODE = 2 };
enum {
    NODE_NAME = 1,
    NODE_START = 2,
    NODE_OP_START = 3,
    NODE_OP_END = 4,
    NODE_END = 5,
    NODE_LABEL = 8,
    NODE_THREAD = 10
};

/* RunOptions { trace_level (1): FULL_TRACE (3) } */
static const unsigned char full_trace[] = {0x08, 0x03};

pgy_status *px_tf_trace_begin(px_tf_trace *trace, const px_tf_lib *lib, const px_tf_args *args)
{
    if (args == NULL || !args->save_timeline.given)
        return NULL;
    trace->options = lib->api.NewBuffer();
    trace->metadata = lib->api.NewBuffer();
    if (trace->options == NULL || trace->metadata == NULL)
        return px_status_nomem();
    trace->options->data = full_trace;
    trace->options->length = sizeof full_trace;
    return NULL;
}

void px_tf_trace_end(px_tf_trace *trace, const px_tf_lib *lib)
{
    if (trace->options != NULL)
        lib->api.DeleteBuffer(trace->options);
    if (trace->metadata != NULL)
        lib->api.DeleteBuffer(trace->metadata);
    *trace = (px_tf_trace){0};
}

/* A JSON string; what is no printable ASCII is escaped bytewise, as names hold none. */
static void put_text(px_buf *out, px_str text)
{
    px_buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            px_buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            px_buf_printf(out, "\\u%04x", c);
        else
            px_buf_putc(out, (char)c);
    }
    px_buf_putc(out, '"');
}

/* The operator in TensorFlow's label: "[CPU] y = Relu(x, ...)"; the whole label without one. */
static px_str op_of(px_str label)
{
    for (size_t i = 0; i + 3 < label.len; i++)
        if (memcmp(label.ptr + i, " = ", 3) == 0) {
            const px_str rest = {label.ptr + i + 3, label.len - i - 3};
            const char *end = memchr(rest.ptr, '(', rest.len);
            return (px_str){rest.ptr, end != NULL ? (size_t)(end - rest.ptr) : rest.len};
        }
    return label;
}

static pgy_status *put_node(px_str bytes, size_t process, px_buf *out)
{
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    px_str name = {0}, label = {0};
    uint64_t numbers[NODE_THREAD + 1] = {0};
    while (px_pb_next(&pb, &f)) {
        if (f.wire == PX_PB_VARINT && f.number <= NODE_THREAD)
            numbers[f.number] = f.value;
        else if (f.wire == PX_PB_LEN && f.number == NODE_NAME)
            name = f.bytes;
        else if (f.wire == PX_PB_LEN && f.number == NODE_LABEL)
            label = f.bytes;
    }
    const px_str op = label.len > 0 ? op_of(label) : name;
    px_buf_puts(out, ",\n{\"ph\": \"X\", \"cat\": \"Op\", \"name\": ");
    put_text(out, op);
    px_buf_printf(
        out, ", \"pid\": %zu, \"tid\": %llu, \"ts\": %llu, \"dur\": %llu, \"args\": {\"node\": ",
        process, (unsigned long long)numbers[NODE_THREAD], (unsigned long long)numbers[NODE_START],
        (unsigned long long)PX_MAX(numbers[NODE_END], numbers[NODE_OP_END]));
    put_text(out, name);
    px_buf_puts(out, ", \"label\": ");
    put_text(out, label);
    px_buf_puts(out, "}}");
    return px_pb_status(&pb, "NodeExecStats");
}

static pgy_status *put_device(px_str bytes, size_t process, px_buf *out)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    while (px_pb_next(&pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == DEVICE_NAME) {
            px_buf_printf(out,
                          "%s\n{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %zu, \"args\": "
                          "{\"name\": ",
                          process > 0 ? "," : "", process);
            put_text(out, f.bytes);
            px_buf_puts(out, "}}");
        } else if (f.number == DEVICE_NODE) {
            PX_TRY(put_node(f.bytes, process, out));
        }
    }
    PX_TRY(px_pb_status(&pb, "DeviceStepStats"));
done:
    return st;
}

pgy_status *px_tf_trace_print(px_str metadata, px_buf *out)
{
    pgy_status *st = NULL;
    size_t n_devices = 0;
    px_pb pb = px_pb_of(metadata, NULL);
    px_pb_field f, g;
    px_buf_puts(out, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
    while (px_pb_next(&pb, &f)) {
        if (f.number != METADATA_STATS || f.wire != PX_PB_LEN)
            continue;
        px_pb stats = px_pb_of(f.bytes, NULL);
        while (px_pb_next(&stats, &g))
            if (g.number == STATS_DEVICE && g.wire == PX_PB_LEN)
                PX_TRY(put_device(g.bytes, n_devices++, out));
        PX_TRY(px_pb_status(&stats, "StepStats"));
    }
    PX_TRY(px_pb_status(&pb, "RunMetadata"));
    px_buf_puts(out, "\n]}\n");
    PX_TRY(px_buf_status(out));
done:
    return st;
}

pgy_status *px_tf_trace_save(const px_tf_trace *trace, pgy_context *cx, const px_tf_args *args,
                             size_t n)
{
    pgy_status *st = NULL;
    px_buf text = {0}, path = {0};
    if (trace->metadata == NULL)
        return NULL;
    PX_TRY(px_tf_trace_print((px_str){(const char *)trace->metadata->data, trace->metadata->length},
                             &text));
    px_buf_printf(&path, "%s/run-%zu.json", args->save_timeline.value, n);
    PX_TRY(px_buf_status(&path));
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_TF_RUNNER, "Saving inference timeline to: %s", path.ptr);
    PX_TRY(px_file_write(path.ptr, text.ptr, text.len));
done:
    px_buf_fini(&text);
    px_buf_fini(&path);
    return px_status_while(st, "saving the timeline");
}
