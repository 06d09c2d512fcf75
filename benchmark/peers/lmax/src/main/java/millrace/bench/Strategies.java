package millrace.bench;

import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.SleepingWaitStrategy;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;

/** Ways to wait, by the names of their sides. */
final class Strategies {
    private Strategies() {}

    static WaitStrategy named(String side) {
        return switch (side) {
            case "lmax-busy" -> new BusySpinWaitStrategy();
            case "lmax-yield" -> new YieldingWaitStrategy();
            case "lmax-sleep" -> new SleepingWaitStrategy();
            case "lmax-block" -> new BlockingWaitStrategy();
            default -> throw new IllegalArgumentException("no side is called " + side);
        };
    }
}
