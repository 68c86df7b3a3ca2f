/* polygraphy/options.h - the command's options for the library's calls.
 *
 * Whatever `polygraphy run` can be told about a model, a runner, its inputs or a comparison can be
 * told to the library in the same words: {"--atol", "1e-3", "y:1e-2"}. docs/options.md has them
 * all. Words are copied. An option that the call has no use for is an error.
 */
#ifndef POLYGRAPHY_OPTIONS_H
#define POLYGRAPHY_OPTIONS_H

#include "polygraphy/compare.h"

#ifdef __cplusplus
extern "C" {
#endif

/* pgy_model_open with the options of models: --model-type, --onnx-outputs, --fp-to-fp16,
 * --save-onnx, ... An ONNX model is changed, and saved, at once. `cx` must outlive the model.
 * Errors: USAGE, IO, MODEL. */
PGY_API PGY_MUST_USE pgy_status *pgy_model_open_with(pgy_context *cx, const char *path,
                                                     size_t n_words, const char *const *words,
                                                     pgy_model **out);

/* pgy_runner_open with the options of runners: --providers, --ref-precision, those of TensorRT and
 * TensorFlow, and --use-subprocess, --timeout, --mem-limit. Errors: also those of the options. */
PGY_API PGY_MUST_USE pgy_status *pgy_runner_open_with(pgy_context *cx, const char *backend,
                                                      pgy_model *model, size_t n_words,
                                                      const char *const *words, pgy_runner **out);

/* Inputs for a runner, iteration by iteration: generated (bit for bit what the command generates)
 * or loaded from files. */
typedef struct pgy_inputs pgy_inputs;

/* Options: --seed, --val-range, --iterations, --input-shapes, --data-loader-backend-module,
 * --load-inputs. `runner` is only looked at during the call; `cx` must outlive the inputs.
 * Errors: USAGE, IO, MODEL. */
PGY_API PGY_MUST_USE pgy_status *pgy_inputs_open(pgy_context *cx, pgy_runner *runner,
                                                 size_t n_words, const char *const *words,
                                                 pgy_inputs **out);
/* Number of iterations. */
PGY_API size_t pgy_inputs_count(const pgy_inputs *inputs);
/* Names and tensors of iteration `i`, below the count; `out` is cleared first. The same values each
 * time. */
PGY_API PGY_MUST_USE pgy_status *pgy_inputs_get(pgy_inputs *inputs, size_t i, pgy_outputs *out);
PGY_API void pgy_inputs_close(pgy_inputs *inputs); /* accepts NULL */

/* pgy_compare with the options of comparison functions: --compare (several are possible), --atol,
 * --rtol, --check-error-stat and all thresholds, per output too, --check-average, --fail-fast. */
PGY_API PGY_MUST_USE pgy_status *pgy_compare_with(pgy_context *cx, const pgy_results *results,
                                                  size_t n_words, const char *const *words,
                                                  pgy_verdict **out);

#ifdef __cplusplus
}
#endif
#endif
