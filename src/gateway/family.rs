//! Pure: numbers as families of metrics, in the words of Prometheus.

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use crate::tally::{TIME_BOUNDS, Times};

/// A name, and what it stands for.
pub(super) type Title = (&'static str, &'static str);

/// One value that goes up and down.
pub(super) fn gauge(title: Title, value: f64) -> MetricFamily {
    family(title, MetricType::GAUGE, vec![of_gauge(value, Vec::new())])
}

/// The same by a label.
pub(super) fn gauges(title: Title, label: &str, values: Vec<(&str, f64)>) -> MetricFamily {
    let values = values.into_iter().map(|(name, value)| of_gauge(value, labels(label, name)));
    family(title, MetricType::GAUGE, values.collect())
}

/// Values that only grow, by a label.
pub(super) fn counters<'a>(
    title: Title,
    label: &str,
    values: impl IntoIterator<Item = (&'a str, u64)>,
) -> MetricFamily {
    let values = values.into_iter().map(|(name, value)| {
        let mut counter = Counter::default();
        counter.set_value(value as f64);
        let mut metric = Metric::from_label(labels(label, name));
        metric.set_counter(counter);
        metric
    });
    family(title, MetricType::COUNTER, values.collect())
}

/// How long things took.
pub(super) fn histogram(title: Title, times: &Times) -> MetricFamily {
    let mut so_far = 0;
    let buckets = TIME_BOUNDS.iter().zip(times.buckets).map(|(bound, count)| {
        so_far += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(so_far);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(times.buckets.iter().sum());
    histogram.set_sample_sum(times.sum.as_secs_f64());
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    family(title, MetricType::HISTOGRAM, vec![metric])
}

fn of_gauge(value: f64, labels: Vec<LabelPair>) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

fn labels(name: &str, value: &str) -> Vec<LabelPair> {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    vec![label]
}

fn family((name, help): Title, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
