package millrace.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One run of one side: {@code SIDE GRAPH BATCH SLOTS SECONDS}, {@code latency SIDE ROUND_TRIPS PAUSE} or
 * {@code idle SIDE SECONDS}, as {@code ring-peers} has them. Prints lines of JSON.
 */
public final class Main {
    /** Warm-ups, each on a ring of its own, so that what is compiled is entered anew and not only replaced in its loop. */
    private static final int WARM_UPS = 4;

    private static final double WARM_UP_SECONDS = 0.5;

    /** Of round trips, which are less code: so many each time, and for a second at least. */
    private static final int WARM_UP_TRIPS = 5_000;

    private static final long WARM_UP_NANOSECONDS = 1_000_000_000;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 4 && arguments[0].equals("latency")) {
            latency(arguments[1], Integer.parseInt(arguments[2]), Long.parseLong(arguments[3]) * 1_000);
        } else if (arguments.length == 3 && arguments[0].equals("idle")) {
            Idle.run(arguments[1], Double.parseDouble(arguments[2]));
        } else if (arguments.length == 5) {
            rate(arguments);
        } else {
            System.err.println("usage: SIDE GRAPH BATCH SLOTS SECONDS");
            System.err.println("       latency SIDE ROUND_TRIPS PAUSE");
            System.err.println("       idle SIDE SECONDS");
            System.exit(2);
        }
    }

    private static void rate(String[] arguments) throws Exception {
        String side = arguments[0];
        Plan plan = new Plan(
                Graph.named(arguments[1]), Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
        double seconds = Double.parseDouble(arguments[4]);
        for (int i = 0; i < WARM_UPS; i++) {
            Run.of(plan, Strategies.named(side), WARM_UP_SECONDS);
        }
        Run run = Run.of(plan, Strategies.named(side), seconds);
        System.out.printf(
                Locale.ROOT,
                "{\"eventsPerSecond\":%.0f,\"events\":%d}%n",
                run.events() / run.seconds(),
                run.events());
    }

    private static void latency(String side, int count, long pause) throws InterruptedException {
        long warm = System.nanoTime() + WARM_UP_NANOSECONDS;
        for (int i = 0; i < WARM_UPS || System.nanoTime() < warm; i++) {
            RoundTrips.of(side, WARM_UP_TRIPS, 0);
        }
        String taken = Arrays.stream(RoundTrips.of(side, count, pause))
                .mapToObj(Long::toString)
                .collect(Collectors.joining(","));
        System.out.println("{\"nanoseconds\":[" + taken + "]}");
    }
}
