//! Logged-in browsers: random tokens, stored hashed, with an idle and an absolute end.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::limits::{
    SESSION_IDLE_MAX, SESSION_LIFE_MAX, SESSION_TOUCH_EVERY, SESSIONS_PER_USER_MAX,
};
use super::users::User;
use super::{Store, StoreFault, tokens, users};

/// A session that was found alive.
#[derive(Clone, Debug)]
pub struct Session {
    pub user: User,
    /// Goes into every form; compared on every state-changing request.
    pub csrf: String,
}

impl Store {
    /// Begins a session for a user who has just proved the password; answers with its token,
    /// which goes into the cookie and nowhere else.
    pub async fn session_begin(&self, user: &str, now: Timestamp) -> Result<String, StoreFault> {
        let token = tokens::draw();
        let (hash, csrf, user) = (tokens::hash(&token), tokens::draw(), user.to_owned());
        self.ask(move |db| {
            let now_ms = now.as_millisecond();
            db.execute(
                "DELETE FROM sessions WHERE created_ms < ?1 OR seen_ms < ?2",
                params![now_ms - ms(SESSION_LIFE_MAX), now_ms - ms(SESSION_IDLE_MAX)],
            )?;
            db.execute(
                "INSERT INTO sessions (token_hash, user, csrf, created_ms, seen_ms)
                 VALUES (?1, ?2, ?3, ?4, ?4)",
                params![hash, user, csrf, now_ms],
            )?;
            db.execute(
                "DELETE FROM sessions WHERE user = ?1 AND token_hash NOT IN (SELECT token_hash
                   FROM sessions WHERE user = ?1 ORDER BY created_ms DESC, rowid DESC LIMIT ?2)",
                params![user, SESSIONS_PER_USER_MAX],
            )?;
            Ok(())
        })
        .await?;
        Ok(token)
    }

    /// The session of a cookie, if it is alive at `now`; notes its use now and then.
    pub async fn session(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreFault> {
        if !tokens::well_formed(token) {
            return Ok(None);
        }
        let hash = tokens::hash(token);
        let key = hash.clone();
        let found: Option<(Session, i64)> = self
            .read(move |db| {
                let now_ms = now.as_millisecond();
                db.prepare_cached(
                    "SELECT u.name, u.role, u.agent, s.csrf, s.seen_ms
                     FROM sessions s JOIN users u ON u.name = s.user
                     WHERE s.token_hash = ?1 AND s.created_ms > ?2 AND s.seen_ms > ?3",
                )?
                .query_row(
                    params![key, now_ms - ms(SESSION_LIFE_MAX), now_ms - ms(SESSION_IDLE_MAX)],
                    |row| Ok((Session { user: users::user(row)?, csrf: row.get(3)? }, row.get(4)?)),
                )
                .optional()
            })
            .await?;
        let Some((session, seen_ms)) = found else { return Ok(None) };
        if now.as_millisecond() - seen_ms > ms(SESSION_TOUCH_EVERY) {
            let now_ms = now.as_millisecond();
            drop(
                self.write(move |db| {
                    db.execute(
                        "UPDATE sessions SET seen_ms = max(seen_ms, ?2) WHERE token_hash = ?1",
                        params![hash, now_ms],
                    )?;
                    Ok(())
                })
                .await,
            );
        }
        Ok(Some(session))
    }

    /// Ends one session.
    pub async fn session_end(&self, token: &str) -> Result<(), StoreFault> {
        let hash = tokens::hash(token);
        self.ask(move |db| {
            db.execute("DELETE FROM sessions WHERE token_hash = ?1", params![hash])?;
            Ok(())
        })
        .await
    }
}

fn ms(span: Duration) -> i64 {
    span.as_millis() as i64
}
