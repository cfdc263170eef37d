//! Links to offers: a token for each, open until the agent's wrap-up ends.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::base::card::OfferCard;

use super::{Store, StoreFault, apply, limits, tokens};

impl Store {
    /// Keeps the card and answers with the token of its link (`PUBLIC_URL/offer/TOKEN`). On disk
    /// when it returns, so that the link in the INVITE opens.
    ///
    /// # Errors
    /// The call is not in the store, or the store is closed.
    pub async fn offer_opened(
        &self,
        card: &OfferCard,
        wall: Timestamp,
    ) -> Result<String, StoreFault> {
        let token = tokens::draw();
        let (hash, card) = (tokens::hash(&token), card.clone());
        self.write(move |db| apply::offer(db, &hash, &card, wall)).await.await?;
        Ok(token)
    }

    /// As [`Store::offer_opened`], but does not wait for the disk: the runtime may ring at once
    /// while the disk stalls.
    pub async fn offer_opening(&self, card: &OfferCard, wall: Timestamp) -> (String, super::Ack) {
        let token = tokens::draw();
        let (hash, card) = (tokens::hash(&token), card.clone());
        let ack = self.write(move |db| apply::offer(db, &hash, &card, wall)).await;
        (token, ack)
    }

    /// The card behind a link; `None` if there is none or it is closed. The phone may have rung
    /// before the disk had the row: what is unknown is looked for again behind what is queued.
    ///
    /// # Errors
    /// The store does not answer, or the disk has not taken what was queued in
    /// [`limits::OFFER_ON_DISK_MAX`].
    pub async fn offer(
        &self,
        token: &str,
        wall: Timestamp,
    ) -> Result<Option<OfferCard>, StoreFault> {
        if !tokens::well_formed(token) {
            return Ok(None);
        }
        let hash = tokens::hash(token);
        if let Some(card) = self.offer_on_disk(hash.clone(), wall).await? {
            return Ok(Some(card));
        }
        if !self.caught_up(limits::OFFER_ON_DISK_MAX).await? {
            return Err(StoreFault::Stalled);
        }
        self.offer_on_disk(hash, wall).await
    }

    async fn offer_on_disk(
        &self,
        hash: Vec<u8>,
        wall: Timestamp,
    ) -> Result<Option<OfferCard>, StoreFault> {
        let card: Option<String> = self
            .read(move |db| {
                db.prepare_cached(
                    "SELECT card FROM offers WHERE token_hash = ?1 AND closes_ms > ?2",
                )?
                .query_row(params![hash, wall.as_millisecond()], |row| row.get(0))
                .optional()
            })
            .await?;
        card.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| StoreFault::Sql(error.to_string()))
    }
}
