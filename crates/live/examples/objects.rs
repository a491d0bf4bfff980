//! Stores an object in a running cache, and gets it back:
//! `cargo run -p live --example objects -- TOKEN 127.0.0.1:6378`, or several proxies, each with
//! its own functions, between which the ring shares the keys out. All clients have to name the
//! same proxies in the same order.

use live::client::{Client, ClientConfig};
use live::store::FileStore;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((token, proxies @ [_, ..])) = arguments.split_first() else {
        return Err("give the token for clients, and the address of each proxy".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(ClientConfig::new(proxies.to_vec(), token)).await?;
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
