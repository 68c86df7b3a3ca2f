/* polygraphy/polygraphy.h - the whole public interface, and its version. */
#ifndef POLYGRAPHY_POLYGRAPHY_H
#define POLYGRAPHY_POLYGRAPHY_H

#include "polygraphy/backend.h"
#include "polygraphy/command.h"
#include "polygraphy/compare.h"
#include "polygraphy/context.h"
#include "polygraphy/model.h"
#include "polygraphy/options.h"
#include "polygraphy/ref_ops.h"
#include "polygraphy/results.h"
#include "polygraphy/runner.h"
#include "polygraphy/status.h"
#include "polygraphy/tensor.h"
#include "polygraphy/trt_build.h"

#define POLYGRAPHY_VERSION_MAJOR 0
#define POLYGRAPHY_VERSION_MINOR 1
#define POLYGRAPHY_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": the version of the loaded library. */
PGY_API const char *pgy_version(void);

#ifdef __cplusplus
}
#endif
#endif
