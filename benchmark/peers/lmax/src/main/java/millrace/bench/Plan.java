package millrace.bench;

/**
 * One cell of the table.
 *
 * @param batch events made visible together
 */
record Plan(Graph graph, int batch, int slots) {
    int producers() {
        return graph == Graph.THREE_TO_ONE ? 3 : 1;
    }
}
