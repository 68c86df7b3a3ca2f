/* fuzz_pb.c - any bytes as a protobuf message: fields stay inside, both walks agree. */
#include "model/detect.h"
#include "model/pb_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    px_str bytes = {(const char *)data, size};
    size_t counts[PX_PB_COUNTED], n = 0;
    pgy_status *st = px_pb_count(bytes, NULL, "Fuzz", counts);
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    while (px_pb_next(&pb, &f)) {
        if (f.whole.ptr < (const char *)data ||
            f.whole.ptr + f.whole.len > (const char *)data + size)
            abort();
        n += f.number < PX_PB_COUNTED;
    }
    if ((pb.why == NULL) != (st == NULL))
        abort();
    for (size_t i = 0; i < PX_PB_COUNTED; i++)
        n -= counts[i];
    if (n != 0)
        abort();
    for (int wire = 0; wire <= PX_PB_I32; wire++) {
        uint64_t value = 0;
        px_pb_numbers it = px_pb_numbers_of(bytes, NULL, 4, (px_pb_wire)wire);
        while (wire != PX_PB_LEN && px_pb_numbers_next(&it, &value))
            continue;
    }
    pgy_status_free(st);
    st = NULL;
    (void)px_model_type_of_bytes(bytes);
    return 0;
}
