//! Which instructions this processor has to compute with.

use std::fmt;

/// A set of instructions to compute with.
///
/// There is no way to make one for instructions that this processor lacks. The kernel relies
/// on that when it uses them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CpuPath(Instructions);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512Gfni,
    #[cfg(target_arch = "x86_64")]
    Avx2Gfni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

impl CpuPath {
    /// Every path that this processor can follow, the fastest first and the portable one last.
    pub fn available() -> Vec<CpuPath> {
        Instructions::fastest_first()
            .iter()
            .filter(|it| it.detected())
            .map(|it| CpuPath(*it))
            .collect()
    }

    /// The fastest path that this processor can follow.
    pub fn fastest() -> CpuPath {
        let fastest = Instructions::fastest_first().iter().find(|it| it.detected());
        CpuPath(*fastest.expect("every processor follows the portable path"))
    }

    /// Its name, such as `avx512-gfni` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni => "avx512-gfni",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2Gfni => "avx2-gfni",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Ssse3 => "ssse3",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "neon",
            Instructions::Portable => "portable",
        }
    }

    pub(crate) fn instructions(self) -> Instructions {
        self.0
    }
}

impl fmt::Debug for CpuPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Instructions {
    fn fastest_first() -> &'static [Instructions] {
        &[
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2Gfni,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2,
            #[cfg(target_arch = "x86_64")]
            Instructions::Ssse3,
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon,
            Instructions::Portable,
        ]
    }

    /// Whether this processor has them.
    fn detected(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("gfni")
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2Gfni => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("gfni")
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Instructions::Ssse3 => is_x86_feature_detected!("ssse3"),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            Instructions::Portable => true,
        }
    }
}
