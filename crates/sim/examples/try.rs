//! x
use sim::microbenchmark::Laboratory;
fn main() {
    let prices = pricing::PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
    let profile = sim::Profile::aws_2019_fast20();
    let lab = Laboratory { prices: &prices, profile: &profile, n_gets: 60, seed: 1 };
    for line in std::fs::read_to_string("/work/shared/reference/fig11_microbench_latency_ms.csv").unwrap().lines().skip(1) {
        let c: Vec<&str> = line.split(',').collect();
        if c[2].contains("lasti") { continue; }
        let d = lab.latency(&format!("memory={}MB,code={}{}", c[0], c[2], std::env::args().nth(1).unwrap_or_default()), units::Bytes::megabytes(c[1].parse().unwrap())).unwrap();
        println!("{line} | {:.1} {:.1} {:.1}", d.quantile_ms(0.25), d.quantile_ms(0.5), d.quantile_ms(0.75));
    }
    for p in lab.by_hosts().unwrap() {
        println!("hosts {} n {} {:.1} {:.1}", p.n_hosts, p.client.n_recorded(), p.function_side.quantile_ms(0.5), p.client.quantile_ms(0.5));
    }
    for n in 1..=10 { println!("{n} {:.2}", Laboratory{n_gets: 20, ..lab}.throughput(n).unwrap()/1e9); }
}
