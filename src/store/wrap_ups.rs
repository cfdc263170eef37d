//! What agents write about a call: notes while it runs, and the result after it.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::base::card::OfferCard;
use crate::base::ids::{AgentId, CallId};

use super::record::Summary;
use super::{Ack, Store, StoreFault};

/// An agent's result of a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WrapUp {
    /// As configured: `Solved`; empty where the agent chose none.
    pub code: String,
    pub summary: Summary,
    pub notes: String,
    pub machine_right: Option<bool>,
}

impl Store {
    /// The agent's notes so far; the last ones count.
    pub async fn notes(&self, call: &CallId, agent: &AgentId, text: &str, wall: Timestamp) -> Ack {
        let (call, agent, text) = (call.clone(), agent.clone(), text.to_owned());
        self.write(move |db| {
            open(db, &call, &agent, wall)?;
            db.execute(
                "UPDATE wrap_ups SET notes = ?3 WHERE call = ?1 AND agent = ?2",
                params![call.as_str(), agent.as_str(), text],
            )?;
            Ok(())
        })
        .await
    }

    /// The result. A code that was given by key before stays where this one is empty.
    pub async fn wrap_up(
        &self,
        call: &CallId,
        agent: &AgentId,
        result: WrapUp,
        wall: Timestamp,
    ) -> Ack {
        let (call, agent) = (call.clone(), agent.clone());
        self.write(move |db| {
            open(db, &call, &agent, wall)?;
            let summary = serde_json::to_string(&result.summary)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            db.execute(
                "UPDATE wrap_ups SET result = coalesce(nullif(?3, ''), result), summary = ?4,
                     notes = ?5, machine_right = coalesce(?6, machine_right)
                 WHERE call = ?1 AND agent = ?2",
                params![
                    call.as_str(),
                    agent.as_str(),
                    result.code,
                    summary,
                    result.notes,
                    result.machine_right
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// The reference of the ticket that was filed for the call.
    pub async fn ticket(&self, call: &CallId, agent: &AgentId, reference: &str) -> Ack {
        let (call, agent, reference) = (call.clone(), agent.clone(), reference.to_owned());
        self.write(move |db| {
            db.execute(
                "UPDATE wrap_ups SET ticket = ?3 WHERE call = ?1 AND agent = ?2",
                params![call.as_str(), agent.as_str(), reference],
            )?;
            Ok(())
        })
        .await
    }

    /// The cards of those who had a call, one an agent, the last one: to show a call again after
    /// a restart.
    pub async fn cards_of(&self, call: &CallId) -> Result<Vec<OfferCard>, StoreFault> {
        let call = call.clone();
        let cards: Vec<String> = self
            .read(move |db| {
                db.prepare_cached(
                    "SELECT card FROM offers o JOIN call_agents a
                         ON a.call = o.call AND a.agent = o.agent
                     WHERE o.call = ?1 AND o.offer =
                         (SELECT max(offer) FROM offers WHERE call = ?1 AND agent = o.agent)",
                )?
                .query_map(params![call.as_str()], |row| row.get(0))?
                .collect()
            })
            .await?;
        cards
            .iter()
            .map(|text| serde_json::from_str(text))
            .collect::<Result<_, _>>()
            .map_err(|error| StoreFault::Sql(error.to_string()))
    }
}

fn open(db: &Connection, call: &CallId, agent: &AgentId, wall: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO wrap_ups (call, agent, opened_ms) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![call.as_str(), agent.as_str(), wall.as_millisecond()])?;
    Ok(())
}
