//! Where objects are for good: what a cache fetches from when it has lost one.

use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

/// A store that loses nothing.
pub trait BackingStore: Send + Sync {
    /// The object of this key, if there is one.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn get(&self, key: &[u8]) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;

    /// Keeps an object, in the place of any older one, whole or not at all.
    ///
    /// # Errors
    /// If the store cannot be written.
    fn put(&self, key: &[u8], object: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// Forgets an object. Whether there was one.
    ///
    /// # Errors
    /// If the store cannot be written.
    fn delete(&self, key: &[u8]) -> impl Future<Output = io::Result<bool>> + Send;
}

/// One file per object in a directory, named by the SHA-256 of its key.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// The store in this directory, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(directory: impl AsRef<Path>) -> io::Result<FileStore> {
        let directory = directory.as_ref().to_owned();
        fs::create_dir_all(&directory)?;
        Ok(FileStore { directory })
    }

    fn path(&self, key: &[u8]) -> PathBuf {
        let mut name = String::new();
        for byte in Sha256::digest(key) {
            name.push_str(&format!("{byte:02x}"));
        }
        self.directory.join(name)
    }
}

impl BackingStore for FileStore {
    async fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        let path = self.path(key);
        off(move || match fs::read(path) {
            Ok(object) => Ok(Some(object.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn put(&self, key: &[u8], object: Bytes) -> io::Result<()> {
        let (path, directory) = (self.path(key), self.directory.clone());
        off(move || {
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&object)?;
            file.persist(path)?;
            Ok(())
        })
        .await
    }

    async fn delete(&self, key: &[u8]) -> io::Result<bool> {
        let path = self.path(key);
        off(move || match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }
}

/// Files are waited for where that holds up nobody.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_stays_until_it_is_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::open(directory.path().join("objects")).unwrap();
        let key = [b'/'; 4096];
        assert_eq!(store.get(&key).await.unwrap(), None);
        for object in ["first", "second"] {
            store.put(&key, object.into()).await.unwrap();
            assert_eq!(store.get(&key).await.unwrap().unwrap(), object);
        }
        assert!(store.delete(&key).await.unwrap());
        assert!(!store.delete(&key).await.unwrap());
        assert_eq!(store.get(&key).await.unwrap(), None);
    }
}
