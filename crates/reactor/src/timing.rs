//! What may not take for ever.

use crate::alarms::Alarm;
use crate::closing::How;
use crate::connection::{NEVER, Phase, pause};
use crate::core::Core;
use crate::engine::{Engine, Time};
use crate::listener::Stage;
use crate::message::CloseReason;
use crate::token::ConnectionToken;
use std::time::Duration;

/// How long a connection that ends may go without taking a byte of what is still to be written.
pub(crate) const STALLED: Duration = Duration::from_secs(10);
/// How long a listener whose accepting failed waits before it tries again.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

impl Core {
    /// Does what has come due.
    pub(crate) fn ring<E: Engine>(&mut self, engine: &mut E) {
        while let Some((at, alarm)) = self.alarms.due(self.now) {
            match alarm {
                Alarm::Connection(token) => self.look_after(engine, token, at),
                Alarm::Drain(token) => {
                    if self.listeners.get(token).is_some_and(|listener| listener.stage == Stage::Draining) {
                        self.end_listener(engine, token, CloseReason::Closed);
                    }
                }
                Alarm::Accept(token) => {
                    if let Some(listener) = self.listeners.get(token)
                        && let Some(socket) = listener.socket
                        && !listener.paused
                    {
                        engine.accept(socket);
                    }
                }
            }
        }
    }

    /// Accepting failed for a listener; later it may not.
    pub(crate) fn accept_later(&mut self, token: u32) {
        self.alarms.set(self.now.after(ACCEPT_AGAIN), Alarm::Accept(token));
    }

    /// A connection's alarm came: is it over, or when shall it be looked at again?
    fn look_after<E: Engine>(&mut self, engine: &mut E, token: u32, at: Time) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(token).filter(|connection| connection.alarm == at) else {
            return;
        };
        connection.alarm = NEVER;
        let queued = engine.queued(ConnectionToken(token));
        let progress = queued != std::mem::replace(&mut connection.queued_then, queued);
        match connection.phase {
            Phase::Lingering if now >= connection.active => return self.discard(engine, token),
            Phase::Lingering => return connection.alarm_at(connection.active, token, &mut self.alarms),
            Phase::Ending(reason) => {
                if progress {
                    connection.alarm_at(now.after(STALLED), token, &mut self.alarms);
                } else {
                    let text = connection.verdict.take().map(|verdict| verdict.1).unwrap_or_default();
                    self.finish(engine, token, How::Now, reason, text);
                }
                return;
            }
            Phase::Open => {}
        }
        let Some(listener) = self.listeners.get(connection.listener) else { return };
        let clock = listener.clock(now);
        let mut again = NEVER;
        if let (Some(timeout), Some(since)) = (listener.options.frame_timeout, connection.frame_since) {
            let spent = if connection.pause == 0 { clock.since(since) } else { Duration::ZERO };
            if spent >= timeout {
                let text = format!("a frame was not whole after {} ms", timeout.as_millis());
                return self.finish(engine, token, How::Flush, CloseReason::FrameTimeout, text);
            }
            again = now.after(timeout - spent);
        }
        if let Some(timeout) = listener.options.idle_timeout {
            let ours = connection.chain.len > 0 || connection.pause & pause::OURS != 0;
            if ours || progress && queued > 0 {
                connection.active = clock;
            }
            let spent = clock.since(connection.active);
            if spent >= timeout {
                let how = if queued > 0 { How::Now } else { How::Flush };
                let text = format!("idle for {} ms", timeout.as_millis());
                return self.finish(engine, token, how, CloseReason::IdleTimeout, text);
            }
            again = again.min(now.after(timeout - spent));
        }
        connection.alarm_at(again, token, &mut self.alarms);
    }
}
