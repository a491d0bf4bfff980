//! Price books as their TOML spells them: the shape, and nothing checked but that.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A text, and where in the file it stands.
pub(crate) type Text = Spanned<String>;

/// A price book as its file spells it. Nothing here is checked but its shape.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBookFile {
    pub(crate) name: Text,
    pub(crate) description: Text,
    pub(crate) region: Text,
    pub(crate) date: Text,
    pub(crate) accounting: Text,
    pub(crate) source: BTreeMap<String, SourceFile>,
    pub(crate) function: FunctionFile,
    pub(crate) object_store: ObjectStoreFile,
    pub(crate) valkey: Option<ValkeyFile>,
    #[serde(default)]
    pub(crate) node: Vec<NodeFile>,
    #[serde(default)]
    pub(crate) serverless: Vec<ServerlessFile>,
    #[serde(default)]
    pub(crate) virtual_machine: Vec<VirtualMachineFile>,
    #[serde(default)]
    pub(crate) reference: Vec<ReferenceFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceFile {
    pub(crate) text: Text,
    pub(crate) date: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceFile {
    pub(crate) usd: Text,
    pub(crate) source: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SizeFile {
    pub(crate) size: Text,
    pub(crate) source: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuantumFile {
    pub(crate) time: Text,
    pub(crate) source: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemoryRangeFile {
    pub(crate) min: Spanned<u32>,
    pub(crate) max: u32,
    pub(crate) step: Option<Spanned<u32>>,
    pub(crate) source: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BandwidthFile {
    pub(crate) mbps: u32,
    pub(crate) source: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiscountFile {
    pub(crate) percent: Spanned<u32>,
    pub(crate) source: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionFile {
    pub(crate) per_request: PriceFile,
    pub(crate) per_gb_second: PriceFile,
    pub(crate) arm_per_gb_second: Option<PriceFile>,
    pub(crate) quantum: QuantumFile,
    pub(crate) memory_mb: MemoryRangeFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectStoreFile {
    pub(crate) per_get: PriceFile,
    pub(crate) per_put: PriceFile,
    pub(crate) per_delete: PriceFile,
    pub(crate) per_gb_month: PriceFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValkeyFile {
    pub(crate) node_discount: DiscountFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeFile {
    pub(crate) r#type: Text,
    pub(crate) per_hour: PriceFile,
    pub(crate) memory: Option<SizeFile>,
    pub(crate) ssd: Option<SizeFile>,
    pub(crate) network: Option<BandwidthFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerlessFile {
    pub(crate) engine: Text,
    pub(crate) per_gb_hour: PriceFile,
    pub(crate) per_million_ecpus: PriceFile,
    pub(crate) minimum: SizeFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VirtualMachineFile {
    pub(crate) r#type: Text,
    pub(crate) per_hour: PriceFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReferenceFile {
    pub(crate) name: Text,
    pub(crate) unit: Text,
    pub(crate) price: PriceFile,
}
