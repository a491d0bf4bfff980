//! The Lambda function: takes invocations from the platform, one at a time.

fn main() -> Result<(), lambda_runtime::Error> {
    nodefn::serve_platform()
}
