package millrace.bench;

import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import com.lmax.disruptor.util.DaemonThreadFactory;
import java.util.concurrent.locks.LockSupport;

/** Consumers that wait for nothing. */
final class Idle {
    private static final int CONSUMERS = 5;

    /** What each sees before it is left alone. */
    private static final int EVENTS = 1_000;

    private static final long LOOK = 20_000;

    private Idle() {}

    /** Prints a line when all wait, and goes on so for {@code seconds}. */
    static void run(String side, double seconds) throws InterruptedException {
        Disruptor<Event> disruptor = new Disruptor<>(
                Event::new, 1_024, DaemonThreadFactory.INSTANCE, ProducerType.SINGLE, Strategies.named(side));
        Consumer[] consumers = new Consumer[CONSUMERS];
        for (int i = 0; i < CONSUMERS; i++) {
            consumers[i] = new Consumer();
        }
        disruptor.handleEventsWith(consumers);
        RingBuffer<Event> ring = disruptor.start();
        for (int i = 0; i < EVENTS; i++) {
            ring.publish(ring.next());
        }
        for (Consumer consumer : consumers) {
            while (disruptor.getSequenceValueFor(consumer) < ring.getCursor()) {
                LockSupport.parkNanos(LOOK);
            }
        }
        System.out.println("{\"waiting\":true}");
        Thread.sleep(Math.round(seconds * 1e3));
        disruptor.halt();
    }
}
