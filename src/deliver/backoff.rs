//! Pure: how long a destination waits after a refusal that may pass, or after a store that failed.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The wait after this many refusals in a row: doubling from five seconds to half an hour, spread over the upper half of
/// that time by `chance`, a number from 0 to 1, so that many destinations do not come back at once.
pub(crate) fn delay(failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// The same after a store that failed: doubling from a second to eight, so that what is in flight is finished in time when
/// the process is to end meanwhile.
pub(crate) fn of_store(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_half_an_hour() {
        let seconds: Vec<u64> = (1..=11).map(|failures| delay(failures, 1.0).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]);
        assert_eq!(delay(u32::MAX, 1.0), LONGEST);
    }

    #[test]
    fn a_store_that_fails_is_left_alone_for_eight_seconds_at_most() {
        assert_eq!([0, 1, 2, 3, 4, u32::MAX].map(|failures| of_store(failures).as_secs()), [1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn chance_takes_away_half_at_most() {
        assert_eq!(delay(2, 0.0), Duration::from_secs(5));
        assert_eq!(delay(2, 0.5), Duration::from_millis(7500));
        assert_eq!(delay(0, 1.0), FIRST);
    }
}
