/** The figures of `/metrics` that the demo shows; the difference of two scrapes is what happened between. */
export class Measurements {
  readonly #values: ReadonlyMap<string, number>;

  private constructor(values: ReadonlyMap<string, number>) {
    this.#values = values;
  }

  /** Scrapes a gateway. */
  static async scrape(httpPort: number): Promise<Measurements> {
    const response = await fetch(`http://127.0.0.1:${httpPort}/metrics`);
    const values = new Map<string, number>();
    for (const line of (await response.text()).split('\n')) {
      const end = line.lastIndexOf(' ');
      if (end > 0 && !line.startsWith('#'))
        values.set(line.slice(0, end), Number(line.slice(end + 1)));
    }
    return new Measurements(values);
  }

  /** The value of a name, 0 when there is none. */
  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** How much it grew since an earlier scrape. */
  since(earlier: Measurements, name: string): number {
    return this.get(name) - earlier.get(name);
  }

  /** Batches by size since an earlier scrape: the largest size of each class, and how many. */
  batchesSince(earlier: Measurements): { readonly upTo: string; readonly count: number }[] {
    const classes = [...this.#values.keys()].flatMap((name) => {
      const bound = /^gateway_batch_commands_bucket\{le="(.+)"\}$/.exec(name)?.[1];
      return bound === undefined ? [] : [{ name, bound }];
    });
    let below = 0;
    return classes.map(({ name, bound }) => {
      const total = this.since(earlier, name);
      const count = total - below;
      below = total;
      return { upTo: bound, count };
    });
  }
}
