# Every target is a name for one command that a reader could type.
.PHONY: all check test reproduce-figures bench bench-traces bench-ec bench-live chaos fuzz
.PHONY: check-aws deny

all: check test

# Formatting, lints and documentation, each without a warning.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --locked

test:
	cargo test --workspace --locked

# The figures, tables and scoreboard, into figures/. On your own trace: make ... TRACE=path
reproduce-figures:
	cargo run --release --locked --package cli -- figures $(if $(TRACE),--trace $(TRACE))

# Our replay and CSV reading beside libCacheSim's, in one run; and how fast InfiniCache is
# simulated.
bench: .venv/libcachesim
	cargo bench --locked --package cli --bench beside_libcachesim
	cargo bench --locked --package cli --bench infinicache

# How fast traces are read and made, and how much memory a large one takes (3 GB on the disk). The
# last row, which replays 40 million requests on InfiniCache, takes 20 minutes.
bench-traces:
	cargo bench --locked --package cli --bench traces

# Every reader of traces on damaged input, a minute each (needs cargo-fuzz). A target stops at what
# panics, hangs, or takes more than 3 GB: a window of zstd may take two.
FUZZ = cd crates/trace/fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir .
FUZZ_LIMITS = -max_total_time=60 -timeout=10 -rss_limit_mb=3072 -max_len=65536
READERS = lcs parquet ibm-json ibm-csv ibm-cos twitter cachelib meta-cdn azure-functions \
  tencent-photo webcachesim csv oracleGeneral
fuzz: $(READERS:%=fuzz-%)
	for it in detect convert columns profile; do \
	  mkdir -p target/fuzz/$$it; \
	  ($(FUZZ) $$it $(CURDIR)/target/fuzz/$$it seeds -- $(FUZZ_LIMITS)) || exit 1; \
	done

fuzz-%:
	mkdir -p target/fuzz/$*
	$(FUZZ) format $(CURDIR)/target/fuzz/$* seeds -- $(FUZZ_LIMITS)

$(READERS:%=fuzz-%): export FUZZ_FORMAT = $(@:fuzz-%=%)

# Our erasure codec beside ISA-L (Debian's libisal2, if it is there), two others, and memcpy.
bench-ec:
	cargo run --release --locked --manifest-path crates/ec/bench/Cargo.toml

# GET of 1 kB and of 1, 10 and 100 MB from the live cache, through a relay that only relays, and
# from redis-server (Debian), in one run.
bench-live:
	cargo build --release --locked --package live --bins --examples
	cargo run --release --locked --package live --example bench_live

# Five minutes of reads and writes with both codes, while functions are killed and backed up,
# connections cut, and the proxy killed: no read may be wrong or late, nothing left over.
chaos:
	cargo build --release --locked --package live --bins --examples
	cargo run --release --locked --package live --example chaos -- --code 10+2
	cargo run --release --locked --package live --example chaos -- --code 4+2

# The aws CLI and cargo-lambda, from PyPI, against the local platform and the function.
check-aws: .venv/aws
	crates/live/check_aws.sh

# Licences and advisories of what we depend on (needs cargo-deny and a network).
deny:
	cargo deny check licenses bans sources

# The peer of the benchmark, from PyPI, in an environment of its own.
.venv/libcachesim:
	python3 -m venv .venv
	.venv/bin/pip install --quiet libcachesim==0.3.5
	touch $@

# Clients of the Lambda API that no one here wrote, in an environment of their own.
.venv/aws:
	python3 -m venv .venv/aws
	.venv/aws/bin/pip install --quiet awscli==1.46.3 cargo-lambda==1.9.2
	touch $@
