/* A library that needs another one, and a function that nobody has (test_dl.c). */
#define EXPORT __attribute__((visibility("default")))

int px_dl_test_which(void);
int px_dl_test_nowhere(void);
EXPORT int px_dl_test_call(void);
EXPORT int px_dl_test_call_nowhere(void);

EXPORT int px_dl_test_call(void)
{
    return px_dl_test_which();
}

EXPORT int px_dl_test_call_nowhere(void)
{
    return px_dl_test_nowhere();
}
