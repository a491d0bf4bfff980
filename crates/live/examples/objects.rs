//! Stores an object in a running cache, and gets it back:
//! `cargo run -p live --example objects -- 127.0.0.1:6378 TOKEN`.

use live::client::{Client, ClientConfig};
use live::store::FileStore;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [proxy, token] = &arguments[..] else {
        return Err("give a proxy's address and its token for clients".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(ClientConfig::new(vec![proxy.clone()], token)).await?;
        let directory = tempfile::tempdir()?;
        let store = FileStore::open(directory.path())?;
        let song = vec![7; 1_000_000];
        client.put_through(&store, b"song", song.clone().into()).await?;
        let fetched = client.get_through(&store, b"song").await?;
        assert_eq!(fetched.object.as_deref(), Some(&song[..]));
        client.delete(b"song").await?;
        Ok(())
    })
}
