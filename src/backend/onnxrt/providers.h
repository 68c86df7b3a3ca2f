/* backend/onnxrt/providers.h - execution providers: from the user's words to session options. */
#ifndef PX_BACKEND_ONNXRT_PROVIDERS_H
#define PX_BACKEND_ONNXRT_PROVIDERS_H

#include "backend/onnxrt/lib.h"

/* The provider that `word` means: the one of exactly that name, else the first available one where
 * either name contains the other, ASCII case ignored. NULL: none. */
const char *px_onnxrt_provider_match(px_str word, const char *const *available, size_t n);

/* Chooses for each of the words, in their order (repeats stay), into `out`, which has room for
 * `n_words` and gets pointers into `available`. Errors: BACKEND naming word and choice. */
PX_MUST_USE pgy_status *px_onnxrt_providers_choose(const char *const *words, size_t n_words,
                                                   const char *const *available, size_t n,
                                                   const char **out);

/* Adds the chosen providers to the session's options, first is preferred. Without being named the
 * CPU's is there and last. What follows it in the list gets the nodes that the CPU cannot run.
 * `use_arena` is for the CPU's provider. Errors: BACKEND. */
PX_MUST_USE pgy_status *px_onnxrt_providers_apply(px_onnxrt_lib *lib, px_ort_options *options,
                                                  const char *const *chosen, size_t n,
                                                  bool use_arena);

#endif
