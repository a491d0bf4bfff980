//! The function that holds chunks, built beside the tests and benches that run it: the same as
//! the binary `bootstrap` of nodefn.

fn main() -> Result<(), lambda_runtime::Error> {
    nodefn::serve_platform()
}
