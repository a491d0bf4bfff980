//! The microbenchmarks show the mechanisms they are to show.

use super::*;

fn in_laboratory<T>(n_gets: u32, of: impl FnOnce(Laboratory<'_>) -> T) -> T {
    let prices = PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
    let profile = Profile::aws_2019_fast20();
    of(Laboratory { prices: &prices, profile: &profile, n_gets, seed: 1 })
}

#[test]
fn larger_objects_and_smaller_codes_take_longer() {
    in_laboratory(20, |laboratory| {
        let median = |options: &str, megabytes| {
            let size = Bytes::megabytes(megabytes);
            laboratory.latency(options, size).unwrap().quantile_ms(0.5)
        };
        let base = median("memory=1024MB,code=10+1", 40);
        assert!(base < median("memory=1024MB,code=10+1", 100));
        assert!(base < median("memory=1024MB,code=4+2", 40));
        assert!(base < median("memory=128MB,code=10+1", 40));
        // A GET that meets functions at rest takes an invocation at least.
        assert!(13.0 < median("memory=3008MB,code=10+1", 10));
    });
}

#[test]
fn functions_on_one_host_share_its_link() {
    in_laboratory(20, |laboratory| {
        let points = laboratory.by_hosts().unwrap();
        let (few, many) = (&points[0], points.last().unwrap());
        assert!(few.n_hosts < many.n_hosts);
        assert!(2.0 * many.client.quantile_ms(0.5) < few.client.quantile_ms(0.5));
        assert!(2.0 * many.function_side.quantile_ms(0.5) < few.function_side.quantile_ms(0.5));
    });
}

#[test]
fn more_clients_read_more() {
    in_laboratory(4, |laboratory| {
        let throughput = |n_clients| laboratory.throughput(n_clients).unwrap();
        assert!(1.5 * throughput(1) < throughput(3));
    });
}

#[test]
fn a_cluster_reads_at_its_threads_rate() {
    in_laboratory(5, |laboratory| {
        let size = Bytes::megabytes(100);
        let latency = laboratory.cluster_latency("10xcache.r5.xlarge", size).unwrap();
        assert!((latency.quantile_ms(0.5) - 205.7).abs() < 1.0);
    });
}
