package millrace.bench;

/** What a slot holds: 8 bytes. */
final class Event {
    long number;
}
