/* tests/trt/bindings_stub.c - what NVIDIA's Python bindings link to, so that they can be imported
 * without TensorRT. Nothing of it is called.
 */
#define UNUSED_EXPORT(name)                                                                        \
    __attribute__((visibility("default"))) void *name(void);                                       \
    void *name(void)                                                                               \
    {                                                                                              \
        return 0;                                                                                  \
    }
UNUSED_EXPORT(createInferBuilder_INTERNAL)
UNUSED_EXPORT(createInferRefitter_INTERNAL)
UNUSED_EXPORT(createInferRuntime_INTERNAL)
UNUSED_EXPORT(createNvOnnxParserRefitter_INTERNAL)
UNUSED_EXPORT(createNvOnnxParser_INTERNAL)
UNUSED_EXPORT(getBuilderPluginRegistry)
UNUSED_EXPORT(getNvOnnxParserVersion)
UNUSED_EXPORT(getPluginRegistry)
UNUSED_EXPORT(initLibNvInferPlugins)
