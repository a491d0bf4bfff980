//! What the samples of several seeds come to: their mean, and how far it may be off.

use report::chart::Estimate;

/// The mean.
pub(crate) fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

/// The mean with its 95 % interval; an interval of nothing where there is one sample.
pub(crate) fn estimate(samples: &[f64]) -> Estimate {
    let mean = mean(samples);
    let half = if samples.len() < 2 { 0.0 } else { half_width(samples) };
    Estimate { mean, low: mean - half, high: mean + half }
}

/// Half the width of the 95 % confidence interval of the mean of two samples or more, by
/// Student's t distribution.
pub(crate) fn half_width(samples: &[f64]) -> f64 {
    /// The 97.5th percentiles for 1 to 29 degrees of freedom.
    const T: [f64; 29] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045,
    ];
    let n_samples = samples.len() as f64;
    let mean = mean(samples);
    let squares: f64 = samples.iter().map(|it| (it - mean) * (it - mean)).sum();
    // Beyond, the normal one and the first term by which it falls short (Abramowitz and Stegun,
    // 26.7.5), within 0.2 %.
    let beyond = 1.96 + 2.372 / (n_samples - 1.0);
    let t = T.get(samples.len() - 2).copied().unwrap_or(beyond);
    t * (squares / (n_samples - 1.0) / n_samples).sqrt()
}

/// The estimates place by place of series that are as long as each other.
pub(crate) fn estimates(series: &[Vec<f64>]) -> Vec<Estimate> {
    let n_places = series.iter().map(Vec::len).min().unwrap_or(0);
    let at = |place: usize| series.iter().map(|it| it[place]).collect::<Vec<_>>();
    (0..n_places).map(|place| estimate(&at(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_students() {
        // Mean 5, standard deviation 2.5820, of 4 samples: 3.182 x 2.5820 / 2.
        let samples = [2.0, 4.0, 6.0, 8.0];
        assert!((mean(&samples) - 5.0).abs() < 1e-12);
        assert!((half_width(&samples) - 4.1080).abs() < 1e-3, "{}", half_width(&samples));
        // Standard deviation 9.0921 of 31 samples: 2.042 x 9.0921 / sqrt(31).
        let many: Vec<f64> = (0..31).map(f64::from).collect();
        assert!((half_width(&many) - 3.3346).abs() < 0.01, "{}", half_width(&many));
        let one = estimate(&[3.0]);
        assert!((one.low - 3.0).abs() < 1e-12 && (one.high - 3.0).abs() < 1e-12);
        let placed = estimates(&[vec![1.0, 2.0], vec![3.0, 2.0, 9.0]]);
        assert_eq!(placed.len(), 2);
        assert!((placed[0].mean - 2.0).abs() < 1e-12 && placed[1].low <= placed[1].high);
    }
}
