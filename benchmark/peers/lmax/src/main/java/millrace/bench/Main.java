package millrace.bench;

import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import java.util.Locale;

/**
 * One run of one side: {@code SIDE GRAPH BATCH SLOTS SECONDS}, as {@code ring-peers} has them. Prints one line of JSON.
 */
public final class Main {
    /** Warm-ups, each on a ring of its own, so that what is compiled is entered anew and not only replaced in its loop. */
    private static final int WARM_UPS = 4;

    private static final double WARM_UP_SECONDS = 0.5;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 5) {
            System.err.println("usage: SIDE GRAPH BATCH SLOTS SECONDS");
            System.exit(2);
        }
        String side = arguments[0];
        Plan plan = new Plan(
                Graph.named(arguments[1]), Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
        double seconds = Double.parseDouble(arguments[4]);
        for (int i = 0; i < WARM_UPS; i++) {
            Run.of(plan, strategy(side), WARM_UP_SECONDS);
        }
        Run run = Run.of(plan, strategy(side), seconds);
        System.out.printf(
                Locale.ROOT,
                "{\"eventsPerSecond\":%.0f,\"events\":%d}%n",
                run.events() / run.seconds(),
                run.events());
    }

    private static WaitStrategy strategy(String side) {
        return switch (side) {
            case "lmax-busy" -> new BusySpinWaitStrategy();
            case "lmax-yield" -> new YieldingWaitStrategy();
            case "lmax-block" -> new BlockingWaitStrategy();
            default -> throw new IllegalArgumentException("no side is called " + side);
        };
    }
}
