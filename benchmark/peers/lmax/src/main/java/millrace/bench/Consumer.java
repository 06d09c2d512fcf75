package millrace.bench;

import com.lmax.disruptor.EventHandler;
import java.util.concurrent.CountDownLatch;

/** Keeps what a consumer counts off the cache line of whatever lies before it in memory. */
class LineBefore {
    long b1, b2, b3, b4, b5, b6, b7, b8;
}

/** What a consumer counts. */
class Counts extends LineBefore {
    long count;
    long sum;
}

/** Keeps it off the line of whatever lies behind it, such as the next consumer. */
class LineBehind extends Counts {
    long a1, a2, a3, a4, a5, a6, a7, a8;
}

/** Adds up what it sees. */
final class Consumer extends LineBehind implements EventHandler<Event> {
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void onEvent(Event event, long sequence, boolean endOfBatch) {
        count++;
        sum += event.number;
    }

    @Override
    public void onShutdown() {
        ended.countDown();
    }

    /** What it saw, when its thread has ended. */
    Tally seen() throws InterruptedException {
        ended.await();
        return new Tally(count, sum);
    }
}
