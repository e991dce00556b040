//! To be written.
/// When a feed is polled.
#[derive(Debug, Clone, PartialEq)]
pub enum Timing {
    /// At this interval.
    Every(std::time::Duration),
}
