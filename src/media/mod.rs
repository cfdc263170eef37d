//! Media: RTP in and out.
pub mod clip;
pub mod codec;
pub mod g711;
pub mod level;
pub mod limits;
pub mod music;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod tone;
