//! Named streams of random numbers, and the distributions drawn from them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The root of all randomness in a run.
///
/// Each consumer draws from a stream of its own name, so a new consumer, or one more draw in
/// an old one, leaves every other stream as it was. A consumer that draws as often in two runs
/// under one seed sees the same numbers; one whose draws depend on what the run does need not.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
}

/// One named stream of random numbers: ChaCha8, whose output is specified, so that it is the
/// same on every machine and in every version.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Streams {
    /// The streams of the run that `seed` names.
    pub fn new(seed: u64) -> Streams {
        Streams { seed }
    }

    /// The stream called `name`. Asking twice gives the same stream from its start.
    pub fn named(self, name: &str) -> Stream {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(fnv1a(name.as_bytes()));
        Stream(rng)
    }
}

impl Stream {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`, each as likely as the others to within 2^-32 and better.
    pub fn below(&mut self, n: u32) -> u32 {
        let scaled = (u128::from(self.bits()) * u128::from(n)) >> 64;
        u32::try_from(scaled).expect("below n")
    }

    /// A number in (0, 1]: never zero, so that its logarithm is finite.
    pub fn unit(&mut self) -> f64 {
        const STEPS: u64 = 1 << 53;
        ((self.bits() >> 11) + 1) as f64 / STEPS as f64
    }

    /// A number from the exponential distribution of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// A number from the normal distribution of mean 0 and variance 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }
}

/// The 64-bit FNV-1a hash: stable across releases, unlike the standard library's.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, name: &str) -> Vec<u64> {
        let mut stream = Streams::new(seed).named(name);
        (0..8).map(|_| stream.bits()).collect()
    }

    #[test]
    fn a_stream_depends_on_seed_and_name_alone() {
        assert_eq!(draws(7, "reclaim"), draws(7, "reclaim"));
        assert_ne!(draws(7, "reclaim"), draws(7, "placement"));
        assert_ne!(draws(7, "reclaim"), draws(8, "reclaim"));
    }

    #[test]
    fn the_generator_is_the_one_it_was() {
        // A change here changes every published figure.
        assert_eq!(Streams::new(1).named("reclaim").bits(), 3_991_765_399_752_492_184);
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        let check = |name: &str, draw: fn(&mut Stream) -> f64, mean: f64, variance: f64| {
            let mut stream = Streams::new(1).named(name);
            let draws: Vec<f64> = (0..200_000).map(|_| draw(&mut stream)).collect();
            let n_draws = draws.len() as f64;
            let mean_seen = draws.iter().sum::<f64>() / n_draws;
            let variance_seen =
                draws.iter().map(|it| (it - mean_seen) * (it - mean_seen)).sum::<f64>() / n_draws;
            assert!((mean_seen - mean).abs() < 0.01, "{name}: mean {mean_seen}");
            assert!((variance_seen - variance).abs() < 0.02, "{name}: variance {variance_seen}");
        };
        check("unit", Stream::unit, 0.5, 1.0 / 12.0);
        check("exponential", Stream::exponential, 1.0, 1.0);
        check("normal", Stream::normal, 0.0, 1.0);
        check("below", |it| f64::from(it.below(3)), 1.0, 2.0 / 3.0);
    }
}
