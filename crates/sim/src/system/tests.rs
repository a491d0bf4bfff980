//! Texts of systems, good and bad.

use insta::assert_snapshot;
use policy::EvictionPolicy;
use pricing::PriceBook;
use units::{Bytes, Nanos};

use super::{Surroundings, System, SystemKind};
use crate::{ElastiCacheConfig, InfiniCacheConfig, Profile, Serving};

fn parse(text: &str) -> Result<SystemKind, String> {
    let prices = PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
    let profile = Profile::aws_2019_fast20();
    let around = Surroundings {
        prices: &prices,
        profile: &profile,
        policy: EvictionPolicy::Lru,
        read_file: &|_| Err("no files here".to_owned()),
    };
    System::parse(text, around).map(|it| it.kind).map_err(|it| it.to_string())
}

#[track_caller]
fn infinicache(text: &str) -> InfiniCacheConfig {
    match parse(text) {
        Ok(SystemKind::InfiniCache(config)) => *config,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn elasticache(text: &str) -> ElastiCacheConfig {
    match parse(text) {
        Ok(SystemKind::ElastiCache(config)) => config,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn error(text: &str) -> String {
    parse(text).unwrap_err()
}

#[test]
fn an_infinicache_is_the_papers_unless_told_otherwise() {
    let config = infinicache("infinicache");
    assert_eq!((config.n_nodes, config.n_data, config.n_parity), (400, 10, 2));
    assert_eq!((config.memory_mb, config.node_memory), (1536, Bytes::megabytes(1536)));
    assert_eq!(config.warm_up, Some(Nanos::MINUTE));
    assert_eq!(config.backup, Some(Nanos::MINUTE * 5));
    assert_eq!(config.reclaim.to_string(), "fig14:large");

    let config = infinicache(
        "infinicache:nodes=12,memory=256MiB,overhead=10MB,code=4+0,warmup=off,backup=off,\
         reclaim=fig9:2019-12-26,placement=round-robin",
    );
    assert_eq!((config.n_nodes, config.n_data, config.n_parity), (12, 4, 0));
    assert_eq!((config.memory_mb, config.node_memory), (256, Bytes::mebibytes(256)));
    assert_eq!((config.warm_up, config.backup), (None, None));
}

#[test]
fn a_cluster_names_its_nodes() {
    let config = elasticache("elasticache:cache.r5.24xlarge");
    let nodes =
        |node_type: &str, n_nodes| Serving::Nodes { node_type: node_type.to_owned(), n_nodes };
    assert_eq!(config.serving, nodes("cache.r5.24xlarge", 1));
    assert_eq!(config.policy, EvictionPolicy::Lru);
    assert_eq!(config.node_memory, Bytes::new(682_485_973_811));

    let config = elasticache("elasticache:10xcache.r5.xlarge,policy=sieve,reserved=25%");
    assert_eq!(config.serving, nodes("cache.r5.xlarge", 10));
    assert_eq!(config.policy, EvictionPolicy::Sieve);
    assert!(config.node_memory < elasticache("elasticache:cache.r5.xlarge").node_memory);
}

#[test]
fn what_cannot_be_modelled_is_refused() {
    assert_snapshot!(error("redis"), @"no system is called `redis`; write elasticache:NODE_TYPE (such as elasticache:cache.r5.24xlarge), infinicache, s3 or tiers:SIZE;SYSTEM;SYSTEM");
    assert_snapshot!(error("elasticache"), @"`elasticache` does not say which nodes; write elasticache:NODE_TYPE or elasticache:COUNTxNODE_TYPE, such as elasticache:10xcache.r5.xlarge, or elasticache:serverless-ENGINE, such as elasticache:serverless-valkey");
    assert_snapshot!(error("elasticache:0xcache.r5.xlarge"), @"`nodes=0`: a cluster has from 1 to 1000 nodes");
    assert_snapshot!(error("elasticache:cache.r5.24xlarge,size=1"), @"`elasticache` has no option `size`; it has policy, reserved, store");
    assert_snapshot!(error("infinicache:nodes=0"), @"`nodes=0`: write a whole number from 1 to 10000");
    assert_snapshot!(error("infinicache:node=10"), @"`infinicache` has no option `node`; it has nodes, proxies, memory, overhead, code, warmup, backup, reclaim, placement, eviction, first_d, older, instance, clients, codec, proxy, store");
    assert_snapshot!(error("infinicache:nodes=10,nodes=20"), @"`nodes` is given twice; keep one of the two");
    assert_snapshot!(error("infinicache:nodes=8"), @"code=10+2 puts 12 chunks of an object on different functions, but nodes=8; raise nodes to at least 12 or choose a smaller code");
    assert_snapshot!(error("infinicache:code=0+2"), @"`code=0+2`: write DATA+PARITY with at least one data chunk and at most 255 in all, such as 10+2");
    assert_snapshot!(error("infinicache:memory=128MB,overhead=128MB"), @"a function of memory=128 MB has no room beside overhead=128 MB; give it more memory or less overhead");
    assert_snapshot!(error("infinicache:memory=64MB"), @"functions priced by `aws-us-east-1-2019-12` cannot have 64 MB of memory; write 128 to 3008 MB");
    assert_snapshot!(error("infinicache:memory=1500MB"), @"functions priced by `aws-us-east-1-2019-12` have memory in steps of 64 MB, not 1500 MB; write 1472 or 1536 MB");
    assert_snapshot!(error("infinicache:memory=1.5MB"), @"`memory=1.5MB`: write a whole number of MB, such as 1536MB");
    assert_snapshot!(error("infinicache:warmup=1m"), @"`warmup=1m`: `1m` ends in `m`, which is not a unit of time; write a number and a unit, such as `100ms`, `30s`, `5min` or `50h`, or off");
    assert_snapshot!(error("infinicache:backup=0s"), @"`backup=0s`: write at least 1s, or off");
    assert_snapshot!(error("infinicache:proxy=m1.tiny"), @"`proxy=m1.tiny`: price book `aws-us-east-1-2019-12` has no virtual machine type `m1.tiny`; the nearest it has: `c5n.4xlarge`; `infinisim prices show aws-us-east-1-2019-12` lists what it has");
    assert_snapshot!(error("s3:store=glacier"), @"`store=glacier`: write one of measured, fast20");
}
