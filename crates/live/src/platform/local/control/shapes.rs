//! The JSON of the Lambda API: what is asked and what is answered about functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use units::Nanos;

use crate::platform::local::code::Code as LoadedCode;
use crate::platform::local::error::ApiError;
use crate::platform::local::function::{FunctionSpec, Settings};
use crate::platform::local::service::Service;

/// The bucket that says that its key is the path of a program on this machine.
const LOCAL_BUCKET: &str = "local-program";

/// How many functions a page of a list has at the most, and where nothing is said.
const PAGE_MAX: usize = 10_000;
const PAGE_USUAL: usize = 50;

/// Fields that are not here change nothing on this platform, and are let through: a request for
/// AWS is to work here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateFunction {
    function_name: String,
    code: Code,
    #[serde(flatten)]
    settings: UpdateConfiguration,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateConfiguration {
    description: Option<String>,
    role: Option<String>,
    runtime: Option<String>,
    handler: Option<String>,
    memory_size: Option<u32>,
    timeout: Option<u32>,
    environment: Option<Environment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

/// Where the code is: a zip archive, or `S3Bucket=local-program` and `S3Key=PATH` for a program
/// of this machine, so that hundreds of functions need no copy of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Code {
    zip_file: Option<String>,
    #[serde(rename = "S3Bucket")]
    s3_bucket: Option<String>,
    #[serde(rename = "S3Key")]
    s3_key: Option<String>,
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) after: Option<String>,
    pub(super) n_functions_max: usize,
}

impl CreateFunction {
    pub(super) fn create(self, service: &Service) -> Result<Arc<FunctionSpec>, ApiError> {
        let CreateFunction { function_name, code, settings } = self;
        let code = code.load(service)?;
        let name = super::name_of(&function_name)?;
        service.pool.create(FunctionSpec::new(name, code, settings.settings())?)
    }
}

impl UpdateConfiguration {
    pub(super) fn settings(self) -> Settings {
        let UpdateConfiguration {
            description,
            role,
            runtime,
            handler,
            memory_size,
            timeout,
            environment,
        } = self;
        Settings {
            description,
            role,
            runtime,
            handler,
            memory_mb: memory_size,
            timeout_seconds: timeout,
            environment: environment.map(|it| it.variables),
        }
    }
}

impl Code {
    /// Reads or unpacks the code. Takes time, and files.
    pub(super) fn load(self, service: &Service) -> Result<Arc<LoadedCode>, ApiError> {
        let invalid = |why: String| Err(ApiError::InvalidParameter(why));
        match self {
            Code { zip_file: Some(text), s3_bucket: None, s3_key: None } => {
                match BASE64_STANDARD.decode(text) {
                    Ok(archive) => service.codes.unpack(&archive),
                    Err(err) => invalid(format!("ZipFile is not base64: {err}")),
                }
            }
            Code { zip_file: None, s3_bucket: Some(bucket), s3_key: Some(key) } => {
                if bucket != LOCAL_BUCKET {
                    return invalid(format!(
                        "there is no S3 here: send a ZipFile, or write \
                         S3Bucket={LOCAL_BUCKET},S3Key=PATH for a program of this machine"
                    ));
                }
                LoadedCode::program(key.into()).map(Arc::new)
            }
            _ => invalid(
                "Please provide a source for function code: a ZipFile, or an S3Bucket \
                          and an S3Key"
                    .to_owned(),
            ),
        }
    }
}

impl Page {
    pub(super) fn parse(text: &str) -> Result<Page, ApiError> {
        let n_functions_max = match query(text, "MaxItems") {
            None => PAGE_USUAL,
            Some(number) => match number.parse() {
                Ok(number) if (1..=PAGE_MAX).contains(&number) => number,
                _ => {
                    let why = format!("MaxItems is {number}; write a number from 1 to {PAGE_MAX}");
                    return Err(ApiError::InvalidParameter(why));
                }
            },
        };
        Ok(Page { after: query(text, "Marker"), n_functions_max })
    }
}

/// The value of a query's field.
pub(super) fn query(text: &str, name: &str) -> Option<String> {
    let mut fields = text.split('&').filter_map(|it| it.split_once('='));
    let (_, value) = fields.find(|(it, _)| *it == name)?;
    Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// What GetFunction answers.
pub(super) fn function(spec: &FunctionSpec) -> Value {
    let location = format!("file://{}", spec.code.program.display());
    json!({
        "Configuration": configuration(spec),
        "Code": { "RepositoryType": "S3", "Location": location },
        "Tags": {},
    })
}

/// What ListFunctions answers: a page, and where the next one begins.
pub(super) fn listed(functions: &[Arc<FunctionSpec>], n_functions_max: usize) -> Value {
    let configurations: Vec<Value> = functions.iter().map(|it| configuration(it)).collect();
    let last = functions.last().filter(|_| functions.len() == n_functions_max);
    json!({ "Functions": configurations, "NextMarker": last.map(|it| &it.name) })
}

/// What is answered of a function.
pub(super) fn configuration(spec: &FunctionSpec) -> Value {
    json!({
        "FunctionName": spec.name,
        "FunctionArn": spec.arn(),
        "Runtime": spec.runtime,
        "Role": spec.role,
        "Handler": spec.handler,
        "CodeSize": spec.code.n_bytes,
        "Description": spec.description,
        "Timeout": spec.timeout.div_ceil(Nanos::SECOND),
        "MemorySize": spec.memory_mb,
        "LastModified": spec.modified_at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
        "CodeSha256": spec.code.sha256,
        "Version": "$LATEST",
        "Environment": { "Variables": spec.environment },
        "TracingConfig": { "Mode": "PassThrough" },
        "RevisionId": format!("{:08x}-0000-4000-8000-000000000000", spec.revision),
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }],
    })
}
