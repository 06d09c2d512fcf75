//! Latencies in a log-linear histogram: constant room, and a relative error of at most 1/64.

use std::time::Duration;

/// Sub-buckets a power of two.
const DIVISIONS: u64 = 64;
const DIVISION_BITS: u32 = DIVISIONS.trailing_zeros();
/// Up to 2^40 ns, 18 minutes; what is longer counts as that.
const HIGHEST: u64 = (1 << 40) - 1;

/// Counts of durations, by size.
pub(crate) struct Latency {
    counts: Vec<u64>,
    total: u64,
}

impl Latency {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; bucket(HIGHEST) + 1], total: 0 }
    }

    pub(crate) fn record(&mut self, duration: Duration, count: u64) {
        let nanoseconds = u64::try_from(duration.as_nanos()).map_or(HIGHEST, |ns| ns.min(HIGHEST));
        self.counts[bucket(nanoseconds)] += count;
        self.total += count;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The duration in microseconds that `quantile` (0 to 1) of all did not exceed; 0 of none.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let wanted = ((self.total as f64) * quantile).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_end(index) as f64 / 1e3;
            }
        }
        0.0
    }
}

/// Below `DIVISIONS` a nanosecond is a bucket; above, a bucket is 1/64 of its power of two.
fn bucket(nanoseconds: u64) -> usize {
    let shift = (64 - nanoseconds.leading_zeros()).saturating_sub(DIVISION_BITS + 1);
    (u64::from(shift) * DIVISIONS + (nanoseconds >> shift)) as usize
}

/// The largest duration that falls into a bucket.
fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / DIVISIONS).saturating_sub(1);
    ((bucket - shift * DIVISIONS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_falls_into_it() {
        for nanoseconds in (0..5_000).chain([65_535, 65_536, 1_000_000_007, HIGHEST]) {
            let end = upper_end(bucket(nanoseconds));
            assert!(end >= nanoseconds, "{nanoseconds} is beyond its bucket's end {end}");
            assert!(end - nanoseconds <= nanoseconds / DIVISIONS, "{nanoseconds} reads as {end}");
        }
    }

    #[test]
    fn quantiles_count_from_below() {
        let mut latency = Latency::new();
        for microseconds in 1..=1_000 {
            latency.record(Duration::from_micros(microseconds), 1);
        }
        assert_eq!(latency.total(), 1_000);
        assert!((latency.quantile(0.5) - 500.0).abs() < 10.0);
        assert!((latency.quantile(0.99) - 990.0).abs() < 17.0);
        assert_eq!(Latency::new().quantile(0.5), 0.0);
    }
}
