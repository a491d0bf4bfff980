//! Intel's ISA-L, loaded when the benchmark starts, if it is installed (Debian: libisal2).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::{mem, ptr};

/// The functions of libisal.so.2 that code and decode. Signatures from isa-l/erasure_code.h.
#[derive(Clone, Copy)]
pub struct Isal {
    init_tables: InitTables,
    encode_data: EncodeData,
    invert_matrix: InvertMatrix,
}

type InitTables = unsafe extern "C" fn(c_int, c_int, *const u8, *mut u8);
type EncodeData =
    unsafe extern "C" fn(c_int, c_int, c_int, *const u8, *const *const u8, *const *mut u8);
type InvertMatrix = unsafe extern "C" fn(*mut u8, *mut u8, c_int) -> c_int;

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

const RTLD_NOW: c_int = 2;

impl Isal {
    /// The library, or `None` where it is not installed.
    pub fn load() -> Option<Isal> {
        // SAFETY: the names end in zero; loading ISA-L runs no code but its own.
        let library = unsafe { dlopen(c"libisal.so.2".as_ptr(), RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        // SAFETY: the library is loaded, and stays so.
        let find = |name: &CStr| unsafe { dlsym(library, name.as_ptr()) };
        let addresses = [c"ec_init_tables", c"ec_encode_data", c"gf_invert_matrix"].map(find);
        if addresses.contains(&ptr::null_mut()) {
            return None;
        }
        let [init_tables, encode_data, invert_matrix] = addresses;
        // SAFETY: these are the addresses of functions with these signatures.
        unsafe {
            Some(Isal {
                init_tables: mem::transmute::<*mut c_void, InitTables>(init_tables),
                encode_data: mem::transmute::<*mut c_void, EncodeData>(encode_data),
                invert_matrix: mem::transmute::<*mut c_void, InvertMatrix>(invert_matrix),
            })
        }
    }

    /// The tables for a matrix of one row per output, and one column per source.
    pub fn tables(&self, n_sources: usize, matrix: &[u8]) -> Vec<u8> {
        let mut tables = vec![0; 32 * matrix.len()];
        // SAFETY: the matrix has as many rows as announced, and the tables 32 bytes for each
        // of its elements.
        unsafe {
            let n_rows = int(matrix.len() / n_sources);
            (self.init_tables)(int(n_sources), n_rows, matrix.as_ptr(), tables.as_mut_ptr());
        }
        tables
    }

    /// Multiplies the sources by the matrix of the tables. All have the same length.
    pub fn multiply(&self, tables: &[u8], sources: &[&[u8]], outputs: &mut [&mut [u8]]) {
        let n_bytes = sources[0].len();
        assert_eq!(tables.len(), 32 * sources.len() * outputs.len());
        assert!(sources.iter().all(|it| it.len() == n_bytes));
        assert!(outputs.iter().all(|it| it.len() == n_bytes));
        let from: Vec<*const u8> = sources.iter().map(|it| it.as_ptr()).collect();
        let to: Vec<*mut u8> = outputs.iter_mut().map(|it| it.as_mut_ptr()).collect();
        // SAFETY: the tables fit the numbers of sources and outputs, and these are all as long.
        unsafe {
            let (n_sources, n_outputs) = (int(from.len()), int(to.len()));
            let tables = tables.as_ptr();
            (self.encode_data)(
                int(n_bytes),
                n_sources,
                n_outputs,
                tables,
                from.as_ptr(),
                to.as_ptr(),
            );
        }
    }

    /// The inverse of a square matrix that has one.
    pub fn inverse(&self, mut matrix: Vec<u8>, n_rows: usize) -> Vec<u8> {
        assert_eq!(matrix.len(), n_rows * n_rows);
        let mut inverse = vec![0; matrix.len()];
        // SAFETY: both are square, of the size announced.
        let failed =
            unsafe { (self.invert_matrix)(matrix.as_mut_ptr(), inverse.as_mut_ptr(), int(n_rows)) };
        assert_eq!(failed, 0, "any rows of the matrix of a code have an inverse");
        inverse
    }
}

fn int(count: usize) -> c_int {
    c_int::try_from(count).expect("a count that fits C's int")
}
