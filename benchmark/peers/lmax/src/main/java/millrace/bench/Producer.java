package millrace.bench;

import com.lmax.disruptor.RingBuffer;
import java.util.concurrent.Callable;

/** Publishes numbered events until the time is up. */
final class Producer implements Callable<Tally> {
    /** Events between two looks at the clock: a multiple of every batch. */
    private static final int ROUND = 2_000;

    private final RingBuffer<Event> ring;
    private final int batch;
    private final Race race;

    Producer(RingBuffer<Event> ring, int batch, Race race) {
        this.ring = ring;
        this.batch = batch;
        this.race = race;
    }

    @Override
    public Tally call() throws Exception {
        race.meet();
        long next = 0;
        while (!race.stopped()) {
            next = batch == 1 ? publishSingly(next) : publishBatches(next);
        }
        return Tally.ofFirst(next);
    }

    /** A method of its own, so that it is compiled as a whole and not only its loop. */
    private long publishSingly(long next) {
        for (int i = 0; i < ROUND; i++) {
            long sequence = ring.next();
            ring.get(sequence).number = next++;
            ring.publish(sequence);
        }
        return next;
    }

    private long publishBatches(long next) {
        for (int i = 0; i < ROUND; i += batch) {
            long high = ring.next(batch);
            long low = high - batch + 1;
            for (long sequence = low; sequence <= high; sequence++) {
                ring.get(sequence).number = next++;
            }
            ring.publish(low, high);
        }
        return next;
    }
}
