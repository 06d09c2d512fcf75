package millrace.bench;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;

/** When a run begins, and when its producers stop. */
final class Race {
    private final CyclicBarrier producers;
    private final CountDownLatch begun = new CountDownLatch(1);
    private long began;
    private volatile boolean stopped;

    Race(int producers) {
        this.producers = new CyclicBarrier(producers, this::begin);
    }

    private void begin() {
        began = System.nanoTime();
        begun.countDown();
    }

    /** Waits until all producers are here, and starts the clock. */
    void meet() throws Exception {
        producers.await();
    }

    boolean stopped() {
        return stopped;
    }

    /** Stops the producers when the clock has run for this long. */
    void stopAfter(double seconds) throws InterruptedException {
        begun.await();
        Thread.sleep(Math.round(seconds * 1e3));
        stopped = true;
    }

    /** Seconds that the clock has run. */
    double clock() {
        return (System.nanoTime() - began) / 1e9;
    }
}
