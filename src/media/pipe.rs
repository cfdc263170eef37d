//! A leg's wire that is not a socket of ours: whole RTP packets handed over in memory, for legs
//! whose connection another room holds (browsers). Bounded both ways; what finds no room is lost,
//! as on a network. RTCP does not pass: that connection has its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::sync::mpsc;

use super::limits::PIPE_PACKETS_MAX;

/// What stands in a plan as the peer's address where there is none.
pub const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// The pacing thread's end.
#[derive(Debug)]
pub struct Pipe {
    pub(super) inward: Receiver<Vec<u8>>,
    pub(super) outward: mpsc::Sender<Vec<u8>>,
}

/// Where the connection puts the peer's packets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PipeIn {
    packets: SyncSender<Vec<u8>>,
}

impl PipeIn {
    /// Hands a packet to the coming tick; `false` if the leg is gone, or 64 packets wait.
    pub fn push(&self, packet: Vec<u8>) -> bool {
        self.packets.try_send(packet).is_ok()
    }
}

/// Packets for the peer, one each tick; ends with the leg.
pub type PipeOut = mpsc::Receiver<Vec<u8>>;

/// A new pipe: the leg's end, and the connection's two.
pub fn pipe() -> (Pipe, PipeIn, PipeOut) {
    let (packets, inward) = sync_channel(PIPE_PACKETS_MAX);
    let (outward, received) = mpsc::channel(PIPE_PACKETS_MAX);
    (Pipe { inward, outward }, PipeIn { packets }, received)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::base::ids::LegId;
    use crate::base::session::{Codec, Direction, MediaPlan};
    use crate::call::command::Route;
    use crate::media::codec::{Decoder, encode_all};
    use crate::media::rtp::Packet;
    use crate::media::tone::{sine, tone_level_dbfs};
    use crate::media::{Engine, Settings};

    fn opus_plan() -> MediaPlan {
        MediaPlan {
            remote: ADDRESS,
            rtcp_remote: None,
            codec: Codec::Opus,
            payload_type: 111,
            dtmf_payload_type: Some(110),
            comfort_noise_payload_type: None,
            ptime_ms: 20,
            direction: Direction::SendRecv,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_piped_legs_hear_each_other() {
        let engine = Engine::start(Settings::default()).unwrap();
        let (call, _events) = engine.open_call("piped", Instant::now());
        let (caller, caller_in, _caller_out) = call.open_piped_leg(LegId::CALLER).unwrap();
        let (agent, _agent_in, mut agent_out) = call.open_piped_leg(LegId(1)).unwrap();
        assert_eq!(caller.local_port(), 0);
        caller.set_plan(opus_plan()).unwrap();
        agent.set_plan(opus_plan()).unwrap();
        call.set_routes(&[(LegId(1), Route::Bridge { with: LegId::CALLER })]);
        let voice = encode_all(Codec::Opus, &sine(16_000, 500.0, 1_000, -20.0));
        tokio::spawn(async move {
            let mut due = tokio::time::interval(Duration::from_millis(20));
            for index in 0..50u32 {
                due.tick().await;
                let mut bytes = Vec::new();
                let packet = Packet {
                    marker: false,
                    payload_type: 111,
                    sequence: index as u16,
                    timestamp: index * 960,
                    ssrc: 3,
                    payload: voice.frame(index as usize).unwrap_or_default(),
                };
                packet.write(&mut bytes);
                caller_in.push(bytes);
            }
        });
        let mut decoder = Decoder::new(Codec::Opus).unwrap();
        let mut heard = Vec::new();
        while heard.len() < 16_000 {
            let bytes = agent_out.recv().await.unwrap();
            let packet = Packet::parse(&bytes).unwrap();
            assert_eq!(packet.payload_type, 111);
            let mut frame = [0i16; 320];
            decoder.decode(packet.payload, &mut frame);
            heard.extend_from_slice(&frame);
        }
        let loudest = heard
            .chunks(1_600)
            .map(|part| tone_level_dbfs(part, 16_000, 500.0))
            .fold(f32::MIN, f32::max);
        assert!((loudest + 20.0).abs() < 2.0, "{loudest}");
        drop(agent);
        while agent_out.recv().await.is_some() {}
    }
}
