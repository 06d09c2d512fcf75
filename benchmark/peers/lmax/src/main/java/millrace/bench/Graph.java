package millrace.bench;

/** Who hands events to whom. */
enum Graph {
    /** One producer, one consumer. */
    ONE_TO_ONE("1p1c"),
    /** Three producers, one consumer. */
    THREE_TO_ONE("3p1c"),
    /** One producer, three consumers that each see all. */
    ONE_TO_THREE("1p3c"),
    /** Three consumers one behind the other. */
    PIPELINE("pipeline"),
    /** Two consumers beside each other, a third behind both. */
    DIAMOND("diamond");

    private final String title;

    Graph(String title) {
        this.title = title;
    }

    static Graph named(String title) {
        for (Graph graph : values()) {
            if (graph.title.equals(title)) {
                return graph;
            }
        }
        throw new IllegalArgumentException("no graph is called " + title);
    }
}
