package millrace.bench;

import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import com.lmax.disruptor.util.DaemonThreadFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** One event at a time to another thread and back: a ring each way, as in LMAX's own latency test. */
final class RoundTrips {
    private static final int SLOTS = 1_024;

    private RoundTrips() {}

    /**
     * Nanoseconds of each round trip, in the order made.
     *
     * @param pause nanoseconds from an answer to the next event, during which the thread that asks sleeps
     */
    static long[] of(String side, int count, long pause) throws InterruptedException {
        Disruptor<Event> there = disruptor(side);
        Disruptor<Event> back = disruptor(side);
        RingBuffer<Event> answers = back.getRingBuffer();
        there.handleEventsWith((event, sequence, endOfBatch) -> publish(answers, event.number));
        Asking asking = new Asking(there.getRingBuffer(), count, pause);
        back.handleEventsWith(asking);
        there.start();
        back.start();
        long[] taken = asking.taken();
        there.halt();
        back.halt();
        return taken;
    }

    private static Disruptor<Event> disruptor(String side) {
        return new Disruptor<>(
                Event::new, SLOTS, DaemonThreadFactory.INSTANCE, ProducerType.SINGLE, Strategies.named(side));
    }

    private static void publish(RingBuffer<Event> ring, long number) {
        long sequence = ring.next();
        ring.get(sequence).number = number;
        ring.publish(sequence);
    }

    /** Asks again when it is answered. */
    private static final class Asking implements EventHandler<Event> {
        private final RingBuffer<Event> out;
        private final long[] taken;
        private final long pause;
        private final CountDownLatch done = new CountDownLatch(1);
        private int next;
        private long began;

        Asking(RingBuffer<Event> out, int count, long pause) {
            this.out = out;
            this.taken = new long[count];
            this.pause = pause;
        }

        /** On the thread that handles the answers, which is the only one that asks. */
        @Override
        public void onStart() {
            ask();
        }

        @Override
        public void onEvent(Event event, long sequence, boolean endOfBatch) {
            long took = System.nanoTime() - began;
            if (event.number != next) {
                throw new IllegalStateException(next + " was sent and " + event.number + " came back");
            }
            taken[next++] = took;
            if (next == taken.length) {
                done.countDown();
            } else {
                ask();
            }
        }

        private void ask() {
            if (pause > 0) {
                LockSupport.parkNanos(pause);
            }
            began = System.nanoTime();
            publish(out, next);
        }

        long[] taken() throws InterruptedException {
            done.await();
            return taken;
        }
    }
}
