//! Opens the store: folder, lock, pragmas, quick check, migrations, recovery.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::limits::BUSY_MAX;
use super::{Inner, Store, StoreFault, pool, recovery, schema, writer};

/// Where the store lies and how long it keeps.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The database file; `-wal`, `-shm` and `.lock` lie beside it.
    pub file: PathBuf,
    /// The folder of the recordings.
    pub recordings: PathBuf,
    /// Calls and recordings older than this are deleted; 0 keeps them.
    pub retention_days: u32,
    /// After a call: how long its agent may still open the offer's page.
    pub wrap_up: Duration,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            file: "warmline.db".into(),
            recordings: "recordings".into(),
            retention_days: 30,
            wrap_up: Duration::from_secs(120),
        }
    }
}

impl StoreSettings {
    /// `warmline.db` and `recordings/` in one folder, other settings at their defaults.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            file: folder.join("warmline.db"),
            recordings: folder.join("recordings"),
            ..Self::default()
        }
    }
}

impl Store {
    /// Opens the store as the service: alone on it, checked, with calls that a former process
    /// left in flight closed as `system_failure`.
    ///
    /// # Errors
    /// The file cannot be opened, is damaged, newer than this program, or in use by another.
    pub fn open(settings: StoreSettings) -> Result<Store, StoreFault> {
        Self::open_as(settings, true)
    }

    /// Opens the store for a tool (`warmline user add`) beside a service that may be running:
    /// no lock, no recovery.
    pub fn open_beside(settings: StoreSettings) -> Result<Store, StoreFault> {
        Self::open_as(settings, false)
    }

    fn open_as(settings: StoreSettings, service: bool) -> Result<Store, StoreFault> {
        let path = settings.file.clone();
        let failed = |why: String| StoreFault::Open { path: path.clone(), why };
        for folder in [path.parent(), Some(settings.recordings.as_path())].into_iter().flatten() {
            create_private(folder).map_err(|error| failed(error.to_string()))?;
        }
        let lock = if service { Some(lock(&path)?) } else { None };
        let mut connection = connect(&path).map_err(|error| failed(error.to_string()))?;
        make_private(&path);
        check(&connection, &path)?;
        schema::migrate(&mut connection, &path)?;
        let recovered = match service {
            true => recovery::close_calls_in_flight(&mut connection, settings.wrap_up)?,
            false => Vec::new(),
        };
        let pool = pool::Pool::open(&path).map_err(|error| failed(error.to_string()))?;
        let writer =
            writer::Writer::start(connection).map_err(|error| failed(error.to_string()))?;
        Ok(Store { inner: Arc::new(Inner { settings, writer, pool, recovered, _lock: lock }) })
    }

    pub(super) fn settings(&self) -> &StoreSettings {
        &self.inner.settings
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Deleted rows are overwritten, so that an erased caller is gone from the file.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn check(connection: &Connection, path: &Path) -> Result<(), StoreFault> {
    let report: Result<String, _> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match report {
        Ok(report) if report == "ok" => Ok(()),
        Ok(report) => Err(StoreFault::Damaged { path: path.to_owned(), report }),
        Err(error) => Err(StoreFault::Damaged { path: path.to_owned(), report: error.to_string() }),
    }
}

/// The lock dies with the process, however it dies.
fn lock(path: &Path) -> Result<fs::File, StoreFault> {
    let path = path.with_extension("lock");
    let failed =
        |error: std::io::Error| StoreFault::Open { path: path.clone(), why: error.to_string() };
    let file =
        fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreFault::InUse { path }),
        Err(fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A new folder is for the owner only: it holds what callers said.
fn create_private(folder: &Path) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    set_mode(folder, 0o700)
}

fn make_private(file: &Path) {
    if let Err(error) = set_mode(file, 0o600) {
        tracing::warn!(%error, "store: the file's mode could not be set");
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
