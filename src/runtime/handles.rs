//! File handles. Systems give a process 1,024 unless asked, fewer than the calls of a busy hour
//! and idle connections from outside need together; a call that gets none is refused.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::sip::limits::TCP_CONNECTIONS_MAX;
use crate::web::limits::CONNECTIONS_MAX;

/// Sockets of the caller's and two further legs, and the recording.
const OF_CALL: usize = 12;
/// Models, the store, listeners, business systems, and what libraries open.
const OF_SERVICE: usize = 512;

/// Asks for as many handles as everything within its bounds can take.
pub(super) fn raise(calls_max: usize) {
    let wanted = wanted(calls_max);
    let before = getrlimit(Resource::Nofile);
    let limit = raised(before, wanted);
    if limit != before
        && let Err(error) = setrlimit(Resource::Nofile, limit)
    {
        tracing::warn!(%error, "the limit of file handles stays as it was");
    }
    if let Some(current) = getrlimit(Resource::Nofile).current.filter(|current| *current < wanted) {
        tracing::warn!(
            "only {current} file handles: {calls_max} calls and all connections may need {wanted}; \
             raise the limit of open files (`ulimit -Hn`, or LimitNOFILE in a unit of systemd)"
        );
    }
}

fn wanted(calls_max: usize) -> u64 {
    (calls_max * OF_CALL + TCP_CONNECTIONS_MAX + CONNECTIONS_MAX + OF_SERVICE) as u64
}

/// Never fewer than now, and no more than is wanted or allowed; `None` is no limit.
fn raised(limit: Rlimit, wanted: u64) -> Rlimit {
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    Rlimit { current: limit.current.map(|current| current.max(allowed)), ..limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_raised_as_far_as_is_wanted_and_allowed() {
        let wanted = wanted(200);
        assert_eq!(wanted, 200 * 12 + 1_024 + 2_048 + 512);
        for (current, maximum, then) in [
            (Some(1_024), Some(524_288), Some(wanted)),
            (Some(1_024), Some(4_096), Some(4_096)),
            (Some(1_024), None, Some(wanted)),
            (Some(20_000), Some(20_000), Some(20_000)),
            (None, None, None),
        ] {
            let limit = raised(Rlimit { current, maximum }, wanted);
            assert_eq!((limit.current, limit.maximum), (then, maximum));
        }
    }
}
