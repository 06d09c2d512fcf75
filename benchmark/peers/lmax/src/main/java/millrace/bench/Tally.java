package millrace.bench;

/** A number of events, and their wrapped sum. */
record Tally(long count, long sum) {
    /** Of the events 0 to {@code count} - 1. */
    static Tally ofFirst(long count) {
        // One of two neighbours is even: halved first, the product wraps as the sum does.
        return new Tally(count, count % 2 == 0 ? count / 2 * (count - 1) : (count - 1) / 2 * count);
    }

    Tally plus(Tally other) {
        return new Tally(count + other.count, sum + other.sum);
    }
}
