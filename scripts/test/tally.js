/** Counts the tests of all runners, and keeps which were skipped and why. */
export class Tally {
  passed = 0;
  failed = 0;
  /** @type {string[]} */
  skipped = [];

  /**
   * Runs one runner. One that fails without a failed test (it did not compile, or crashed) counts
   * as one failed test, so that the last line cannot claim success.
   *
   * @param {string} name shown when the runner itself fails
   * @param {() => Promise<void>} runner
   */
  async of(name, runner) {
    const before = this.failed;
    try {
      await runner();
    } catch (error) {
      if (this.failed > before) return;
      this.failed += 1;
      console.error(`millrace: ${name}: ${error.message}`);
    }
  }

  /** Whether the run as a whole is good. On CI everything a test needs is there: no skips. */
  get good() {
    return this.failed === 0 && !(process.env.CI === 'true' && this.skipped.length > 0);
  }

  /** Prints what was skipped, and as the last line the counts. */
  print() {
    for (const title of this.skipped) console.log(`skipped: ${title}`);
    if (this.failed === 0 && !this.good) console.log('CI=true allows no skipped test');
    const skips = this.skipped.length > 0 ? `, ${this.skipped.length} skipped` : '';
    console.log(`${this.passed} passed, ${this.failed} failed${skips}`);
  }
}
