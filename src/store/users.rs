//! People who may look: admin, supervisor, agent. Passwords as argon2id, tokens for programs.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use jiff::Timestamp;
use rand::RngCore;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, USER_NAME_BYTES_MAX};
use super::{Store, StoreFault, tokens};

/// What a user may do; each role may do what the ones below it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees the calls that were accepted as this agent, and the offers made to it.
    Agent,
    /// Sees all calls.
    Supervisor,
    /// May also erase callers and read the audit.
    Admin,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Agent, Role::Supervisor, Role::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Supervisor => "supervisor",
            Role::Admin => "admin",
        }
    }

    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A user as pages need it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// The agent of the configuration whose offers and calls this user sees.
    pub agent: Option<String>,
}

/// Adds a user. Agents see the calls of `agent`, or of the agent with the user's own name.
///
/// # Errors
/// The name or the password does not fit its bounds, or the name is taken.
pub async fn add(
    store: &Store,
    name: &str,
    password: &str,
    role: Role,
    agent: Option<&str>,
) -> Result<(), StoreFault> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    if name.is_empty() || name.len() > USER_NAME_BYTES_MAX || !name.bytes().all(good) {
        return Err(StoreFault::Refused("a user's name is 1 to 64 of A-Z a-z 0-9 - _ . @"));
    }
    let hash = hash_password(password).await?;
    let agent = match (role, agent) {
        (_, Some(agent)) => Some(agent.to_owned()),
        (Role::Agent, None) => Some(name.to_owned()),
        (Role::Supervisor | Role::Admin, None) => None,
    };
    let name = name.to_owned();
    let added = store
        .ask(move |db| {
            db.execute(
                "INSERT OR IGNORE INTO users (name, role, agent, password_hash, created_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![name, role.name(), agent, hash, Timestamp::now().as_millisecond()],
            )
        })
        .await?;
    if added == 1 { Ok(()) } else { Err(StoreFault::Refused("that user exists already")) }
}

/// Sets a password and ends the user's sessions and tokens.
pub async fn set_password(store: &Store, name: &str, password: &str) -> Result<(), StoreFault> {
    let hash = hash_password(password).await?;
    let name = name.to_owned();
    let changed = store
        .ask(move |db| {
            db.execute("DELETE FROM sessions WHERE user = ?1", params![name])?;
            db.execute("DELETE FROM api_tokens WHERE user = ?1", params![name])?;
            db.execute("UPDATE users SET password_hash = ?2 WHERE name = ?1", params![name, hash])
        })
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreFault::Refused("there is no such user")) }
}

/// Makes user `admin` if there is no user at all; answers with its password, to be shown once.
pub async fn ensure_admin(store: &Store) -> Result<Option<String>, StoreFault> {
    if !list(store).await?.is_empty() {
        return Ok(None);
    }
    let password: String = tokens::draw().chars().filter(char::is_ascii_alphanumeric).collect();
    let password: String = password.chars().take(20).collect();
    match add(store, "admin", &password, Role::Admin, None).await {
        Ok(()) => Ok(Some(password)),
        Err(fault) => Err(fault),
    }
}

/// All users, by name.
pub async fn list(store: &Store) -> Result<Vec<User>, StoreFault> {
    store
        .read(|db| {
            db.prepare_cached("SELECT name, role, agent FROM users ORDER BY name")?
                .query_map([], user)?
                .collect()
        })
        .await
}

/// The user of a name and password; `None` if either is wrong, after the same time.
pub async fn verify(store: &Store, name: &str, password: &str) -> Result<Option<User>, StoreFault> {
    if password.len() > PASSWORD_BYTES_MAX || name.len() > USER_NAME_BYTES_MAX {
        return Ok(None);
    }
    let key = name.to_owned();
    let found: Option<(User, String)> = store
        .read(move |db| {
            db.prepare_cached("SELECT name, role, agent, password_hash FROM users WHERE name = ?1")?
                .query_row(params![key], |row| Ok((user(row)?, row.get(3)?)))
                .optional()
        })
        .await?;
    let (user, hash) = match found {
        Some((user, hash)) => (Some(user), hash),
        None => (None, NOBODY.to_owned()),
    };
    let password = password.to_owned();
    let right = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
    .unwrap_or(false);
    Ok(user.filter(|_| right))
}

/// Makes a token with which a program acts as the user (`Authorization: Bearer TOKEN`).
pub async fn add_api_token(store: &Store, user: &str, label: &str) -> Result<String, StoreFault> {
    let token = tokens::draw();
    let (hash, user, label) = (tokens::hash(&token), user.to_owned(), label.to_owned());
    let added = store
        .ask(move |db| {
            db.execute(
                "INSERT INTO api_tokens (token_hash, user, label, created_ms)
                 SELECT ?1, name, ?3, ?4 FROM users WHERE name = ?2",
                params![hash, user, label, Timestamp::now().as_millisecond()],
            )
        })
        .await?;
    if added == 1 { Ok(token) } else { Err(StoreFault::Refused("there is no such user")) }
}

/// The user of a program's token.
pub async fn by_api_token(store: &Store, token: &str) -> Result<Option<User>, StoreFault> {
    if !tokens::well_formed(token) {
        return Ok(None);
    }
    let hash = tokens::hash(token);
    store
        .read(move |db| {
            db.prepare_cached(
                "SELECT u.name, u.role, u.agent FROM api_tokens t JOIN users u ON u.name = t.user
                 WHERE t.token_hash = ?1",
            )?
            .query_row(params![hash], user)
            .optional()
        })
        .await
}

/// Hash of a random password that nobody knows: an unknown name costs the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Wn7hYk0mS1u8cFq2xTzR4g$\
                      9n3oXo6cC3o0zq1m0a5mXcQmVQm2bq0dD3oH1mZ0nXs";

pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(1)?;
    Ok(User {
        name: row.get(0)?,
        // An unknown role of a newer version sees the least.
        role: Role::parse(&role).unwrap_or(Role::Agent),
        agent: row.get(2)?,
    })
}

async fn hash_password(password: &str) -> Result<String, StoreFault> {
    if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        return Err(StoreFault::Refused("a password has 10 to 256 bytes"));
    }
    let password = password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut salt = [0_u8; 16];
        rand::rng().fill_bytes(&mut salt);
        let salt = SaltString::encode_b64(&salt)?;
        Ok::<_, argon2::password_hash::Error>(
            Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string(),
        )
    });
    match hashed.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(_)) | Err(_) => Err(StoreFault::Refused("the password could not be hashed")),
    }
}
