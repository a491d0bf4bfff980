//! What a function is: its settings, as the Lambda API bounds them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use units::Nanos;

use super::code::Code;
use super::error::ApiError;

/// The function limits of AWS Lambda: the names, memory and time it takes.
const N_NAME_CHARS_MAX: usize = 64;
const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;
const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=900;
const ENVIRONMENT_BYTES_MAX: usize = 4_096;

/// What AWS takes where nothing is said.
const MEMORY_MB_USUAL: u32 = 128;
const TIMEOUT_SECONDS_USUAL: u32 = 3;

/// Where every function is said to be.
pub(super) const REGION: &str = "us-east-1";
/// The owner of every function: the account number that AWS's own examples use.
pub(super) const ACCOUNT: &str = "123456789012";

/// A function to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFunction {
    /// Its name: at most 64 letters, digits, `-` and `_`.
    pub name: String,
    /// The program that serves the Runtime API. It is run where it is, in its own directory.
    pub program: PathBuf,
    /// Memory in MB as the service counts them (1024 to the GB), from 128 to 10240.
    pub memory_mb: u32,
    /// How long one invocation may take, from 1 to 900 s.
    pub timeout: Nanos,
    /// What its process finds in its environment, beside what the platform puts there.
    pub environment: BTreeMap<String, String>,
}

/// The settings of a function that may change; as typed, `None` where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) description: Option<String>,
    pub(super) role: Option<String>,
    pub(super) runtime: Option<String>,
    pub(super) handler: Option<String>,
    pub(super) memory_mb: Option<u32>,
    pub(super) timeout_seconds: Option<u32>,
    pub(super) environment: Option<BTreeMap<String, String>>,
}

/// A function as it is, all of it checked.
#[derive(Clone, Debug)]
pub(super) struct FunctionSpec {
    pub(super) name: String,
    pub(super) code: Arc<Code>,
    pub(super) description: String,
    pub(super) role: String,
    pub(super) runtime: String,
    pub(super) handler: String,
    pub(super) memory_mb: u32,
    pub(super) timeout: Nanos,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) modified_at: jiff::Timestamp,
    /// How often it was changed. Instances of an older revision take no more invocations.
    pub(super) revision: u64,
}

impl FunctionSpec {
    pub(super) fn new(
        name: &str,
        code: Arc<Code>,
        settings: Settings,
    ) -> Result<FunctionSpec, ApiError> {
        check_name(name)?;
        let spec = FunctionSpec {
            name: name.to_owned(),
            code,
            description: String::new(),
            role: format!("arn:aws:iam::{ACCOUNT}:role/local"),
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            memory_mb: MEMORY_MB_USUAL,
            timeout: Nanos::seconds(u64::from(TIMEOUT_SECONDS_USUAL)),
            environment: BTreeMap::new(),
            modified_at: jiff::Timestamp::now(),
            revision: 0,
        };
        let created = spec.with(settings)?;
        Ok(FunctionSpec { revision: 0, ..created })
    }

    /// The function with `settings` in place of its own.
    pub(super) fn with(&self, settings: Settings) -> Result<FunctionSpec, ApiError> {
        let Settings {
            description,
            role,
            runtime,
            handler,
            memory_mb,
            timeout_seconds,
            environment,
        } = settings;
        if let Some(runtime) = &runtime {
            check_runtime(runtime)?;
        }
        if let Some(memory_mb) = memory_mb {
            within("memorySize", memory_mb, &MEMORY_MB)?;
        }
        if let Some(timeout_seconds) = timeout_seconds {
            within("timeout", timeout_seconds, &TIMEOUT_SECONDS)?;
        }
        if let Some(environment) = &environment {
            check_environment(environment)?;
        }
        let mut spec = self.clone();
        spec.description = description.unwrap_or(spec.description);
        spec.role = role.unwrap_or(spec.role);
        spec.runtime = runtime.unwrap_or(spec.runtime);
        spec.handler = handler.unwrap_or(spec.handler);
        spec.memory_mb = memory_mb.unwrap_or(spec.memory_mb);
        spec.timeout = timeout_seconds.map_or(spec.timeout, |it| Nanos::seconds(it.into()));
        spec.environment = environment.unwrap_or(spec.environment);
        spec.modified_at = jiff::Timestamp::now();
        spec.revision += 1;
        Ok(spec)
    }

    /// The function with other code.
    pub(super) fn with_code(&self, code: Arc<Code>) -> FunctionSpec {
        let modified_at = jiff::Timestamp::now();
        FunctionSpec { code, modified_at, revision: self.revision + 1, ..self.clone() }
    }

    /// Its Amazon Resource Name.
    pub(super) fn arn(&self) -> String {
        arn(&self.name)
    }
}

/// The Amazon Resource Name of the function called `name`.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// The name of a function from any of the forms the API takes: `NAME`, `ACCOUNT:function:NAME`,
/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, each with `:$LATEST` after it or not.
pub(super) fn name_of(text: &str) -> Result<&str, ApiError> {
    let unqualified = text.strip_suffix(":$LATEST").unwrap_or(text);
    let name = match unqualified.rsplit_once(":function:") {
        Some((_, name)) => name,
        None => unqualified.strip_prefix("function:").unwrap_or(unqualified),
    };
    match name.split_once(':') {
        Some((name, _)) => Err(ApiError::NotFound(format!(
            "Function not found: {}; there are no versions or aliases here, only $LATEST",
            arn(name),
        ))),
        None => check_name(name).map(|()| name),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let is_fine = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    if (1..=N_NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_fine) {
        return Ok(());
    }
    Err(ApiError::InvalidParameter(format!(
        "`{name}` is not a function name; write 1 to {N_NAME_CHARS_MAX} letters, digits, - and _"
    )))
}

fn check_runtime(runtime: &str) -> Result<(), ApiError> {
    if ["provided", "provided.al2", "provided.al2023"].contains(&runtime) {
        return Ok(());
    }
    Err(ApiError::InvalidParameter(format!(
        "the runtime `{runtime}` is not here; only programs that serve the Runtime API \
         themselves run on this platform: write provided.al2023"
    )))
}

fn check_environment(environment: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let n_bytes: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if ENVIRONMENT_BYTES_MAX < n_bytes {
        return Err(ApiError::InvalidParameter(format!(
            "the environment takes {n_bytes} bytes; at most {ENVIRONMENT_BYTES_MAX} are allowed"
        )));
    }
    for (name, value) in environment {
        let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let opens = name.starts_with(|it: char| it.is_ascii_alphabetic());
        if !opens || !name.chars().all(is_word) || value.contains('\0') {
            return Err(ApiError::InvalidParameter(format!(
                "`{name}` cannot be set in an environment; a name is a letter, then letters, \
                 digits and _, and a value has no zero byte"
            )));
        }
        if is_reserved(name) {
            return Err(ApiError::InvalidParameter(format!(
                "Lambda was unable to configure your environment variables because the \
                 environment variables you have provided contains reserved keys that are \
                 currently not supported for modification. Reserved keys used in this \
                 request: {name}"
            )));
        }
    }
    Ok(())
}

/// What the platform sets itself.
fn is_reserved(name: &str) -> bool {
    name.starts_with("AWS_") || name.starts_with("LAMBDA_") || name == "_HANDLER"
}

fn within(what: &str, value: u32, range: &std::ops::RangeInclusive<u32>) -> Result<(), ApiError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(ApiError::InvalidParameter(format!(
        "1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: \
         Member must have value from {least} to {most}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_in_any_of_the_ways_of_the_api() {
        #[track_caller]
        fn check(text: &str, expect: Option<&str>) {
            assert_eq!(name_of(text).ok(), expect, "{text}");
        }
        check("node-7", Some("node-7"));
        check("node-7:$LATEST", Some("node-7"));
        check("function:node-7", Some("node-7"));
        check("123456789012:function:node-7", Some("node-7"));
        check("arn:aws:lambda:us-east-1:123456789012:function:node-7", Some("node-7"));
        check("arn:aws:lambda:us-east-1:123456789012:function:node-7:$LATEST", Some("node-7"));
        check("node-7:3", None);
        check("node 7", None);
        check("../etc", None);
        check("", None);
        check(&"n".repeat(64), Some(&"n".repeat(64)));
        check(&"n".repeat(65), None);
    }

    #[test]
    fn settings_are_bounded_as_on_aws() {
        #[track_caller]
        fn check(settings: &Settings, is_fine: bool) {
            let code = Arc::new(Code::program("/bin/true".into()).unwrap());
            let made = FunctionSpec::new("node", code, settings.clone());
            assert_eq!(made.is_ok(), is_fine, "{settings:?}");
        }
        let usual = Settings::default;
        check(&usual(), true);
        check(&Settings { memory_mb: Some(127), ..usual() }, false);
        check(&Settings { memory_mb: Some(10_240), ..usual() }, true);
        check(&Settings { timeout_seconds: Some(0), ..usual() }, false);
        check(&Settings { timeout_seconds: Some(900), ..usual() }, true);
        check(&Settings { timeout_seconds: Some(901), ..usual() }, false);
        check(&Settings { runtime: Some("python3.13".to_owned()), ..usual() }, false);
        check(&Settings { runtime: Some("provided.al2".to_owned()), ..usual() }, true);
        let with = |name: &str, value: &str| {
            let variable = (name.to_owned(), value.to_owned());
            Settings { environment: Some([variable].into()), ..usual() }
        };
        check(&with("MODE", "fast"), true);
        check(&with("AWS_REGION", "eu-west-1"), false);
        check(&with("A=B", "x"), false);
        check(&with("MODE", &"x".repeat(4_096)), false);
    }
}
