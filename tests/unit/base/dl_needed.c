/* A library's own function, of which the program has another one under the same name (test_dl.c).
 */
#define EXPORT __attribute__((visibility("default")))

EXPORT int px_dl_test_which(void);

EXPORT int px_dl_test_which(void)
{
    return 2;
}
