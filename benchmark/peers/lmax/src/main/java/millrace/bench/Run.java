package millrace.bench;

import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import com.lmax.disruptor.util.DaemonThreadFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/**
 * What one run gave.
 *
 * @param events published; an event counts once, however many consumers see it
 * @param seconds from the first publish until the last consumer had the last event
 */
record Run(long events, double seconds) {
    /** How often it is looked whether consumers have everything, in nanoseconds: not a spinning thread more. */
    private static final long LOOK = 20_000;

    /** Moves events for {@code time} seconds, and until the last one has come. */
    static Run of(Plan plan, WaitStrategy strategy, double time) throws Exception {
        ProducerType type = plan.producers() == 1 ? ProducerType.SINGLE : ProducerType.MULTI;
        Disruptor<Event> disruptor =
                new Disruptor<>(Event::new, plan.slots(), DaemonThreadFactory.INSTANCE, type, strategy);
        List<Consumer> consumers = consumers(disruptor, plan.graph());
        RingBuffer<Event> ring = disruptor.start();
        Race race = new Race(plan.producers());
        Tally published = published(plan, ring, race, time);
        while (consumers.stream().anyMatch(one -> disruptor.getSequenceValueFor(one) < ring.getCursor())) {
            LockSupport.parkNanos(LOOK);
        }
        double seconds = race.clock();
        disruptor.halt();
        for (Consumer consumer : consumers) {
            Tally seen = consumer.seen();
            if (!seen.equals(published)) {
                throw new IllegalStateException(published + " was published and " + seen + " consumed");
            }
        }
        return new Run(published.count(), seconds);
    }

    private static Tally published(Plan plan, RingBuffer<Event> ring, Race race, double time) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(plan.producers(), DaemonThreadFactory.INSTANCE);
        List<Future<Tally>> producers = new ArrayList<>();
        for (int i = 0; i < plan.producers(); i++) {
            producers.add(threads.submit(new Producer(ring, plan.batch(), race)));
        }
        race.stopAfter(time);
        Tally published = Tally.ofFirst(0);
        for (Future<Tally> producer : producers) {
            published = published.plus(producer.get());
        }
        threads.shutdown();
        return published;
    }

    private static List<Consumer> consumers(Disruptor<Event> disruptor, Graph graph) {
        Consumer a = new Consumer();
        Consumer b = new Consumer();
        Consumer c = new Consumer();
        switch (graph) {
            case ONE_TO_ONE, THREE_TO_ONE -> {
                disruptor.handleEventsWith(a);
                return List.of(a);
            }
            case ONE_TO_THREE -> disruptor.handleEventsWith(a, b, c);
            case PIPELINE -> disruptor.handleEventsWith(a).then(b).then(c);
            case DIAMOND -> disruptor.handleEventsWith(a, b).then(c);
        }
        return List.of(a, b, c);
    }
}
