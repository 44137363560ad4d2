/**
 * Of each of the two halves in which V8 keeps young objects, MiB. It would let them grow to 32 and more: a collection takes 20 to 80 ms then, which every request and message in
 * the process waits for, and what lies outside the heap is freed once a second at best. With 8 it takes 4 ms (ADR 14).
 */
const youngHalfMiB = 8;

/** As Node takes it; a replay of the whole log is measured with it too. */
export const youngHeapOption = `--max-semi-space-size=${youngHalfMiB}`;
