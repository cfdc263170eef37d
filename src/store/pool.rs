//! A few connections that only read, each used by one blocking task at a time.

use std::path::Path;
use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::limits::{BUSY_MAX, READERS};
use super::{Store, StoreFault};

pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

impl Pool {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_MAX)?;
            connection.pragma_update(None, "query_only", true)?;
            idle.push(connection);
        }
        Ok(Self { idle: Mutex::new(idle), places: Semaphore::new(READERS) })
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(|broken| broken.into_inner()).pop()
    }

    fn put(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(|broken| broken.into_inner()).push(connection);
    }
}

impl Store {
    /// Runs a query on a connection of the pool, in one read transaction, off the runtime's
    /// threads. Waits while all connections are busy.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreFault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let store = self.clone();
        let run = async move {
            let pool = &store.inner.pool;
            let _place = pool.places.acquire().await.map_err(|_| StoreFault::Closed)?;
            let Some(mut connection) = pool.take() else { return Err(StoreFault::Closed) };
            let (connection, answer) = tokio::task::spawn_blocking(move || {
                let answer = connection.transaction().and_then(|snapshot| query(&snapshot));
                (connection, answer)
            })
            .await
            .map_err(|_| StoreFault::Sql("a query broke off".into()))?;
            pool.put(connection);
            Ok(answer?)
        };
        // A task of its own: a page that goes away while it waits must not take the connection
        // with it.
        tokio::spawn(run).await.map_err(|_| StoreFault::Closed)?
    }
}
