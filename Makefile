# Every target is a name for one command that a reader could type.
.PHONY: all check test reproduce-figures bench bench-ec bench-live chaos check-aws deny

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

# Our erasure codec beside ISA-L (Debian's libisal2, if it is there), two others, and memcpy.
bench-ec:
	cargo run --release --locked --manifest-path crates/ec/bench/Cargo.toml

# GET of 1, 10 and 100 MB from the live cache and from redis-server (Debian), in one run.
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
