/* Writes TensorFlow's session settings to stdout, for its own parser to read:
 *
 *     write_config THREADS FRACTION|- GROWTH XLA       (the last two: 0 or 1)
 */
#include "backend/tf/settings.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    px_tf_args args = {0};
    px_pb_out config = {0};
    char bytes[256];
    if (argc != 5)
        return 2;
    if (strcmp(argv[2], "-") != 0)
        args.gpu_memory_fraction = (px_opt_float){.given = true, .value = strtod(argv[2], NULL)};
    args.allow_growth.given = argv[3][0] == '1';
    args.xla.given = argv[4][0] == '1';
    pgy_status *st = px_tf_config_write(&args, (int)strtol(argv[1], NULL, 10), &config);
    if (st != NULL || config.size > sizeof bytes)
        return 1;
    px_pb_out_copy(&config, bytes);
    const bool is_written = fwrite(bytes, 1, (size_t)config.size, stdout) == config.size;
    px_pb_out_fini(&config);
    return is_written ? 0 : 1;
}
