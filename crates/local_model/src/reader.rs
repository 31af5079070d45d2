//! The thread's end of an answer: hands events over without ever waiting, and learns when the reader has made room or
//! left. Knows nothing of what the events say.
//!
//! How a reader wakes the thread: where the channel is full, a reservation of room is polled with a waker that sends
//! [`Message::Look`]. Tokio's channel calls the waker once room is assigned to the reservation or the reader is gone, and
//! the message stays in the thread's inbox until it is taken: between a poll that finds no room and the thread's next wait
//! there is no moment at which a wake-up could be lost.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::mpsc::{self, OwnedPermit, error::SendError, error::TrySendError};

use crate::Event;
use crate::scheduler::Message;

/// Room in a full channel, once the reader has read.
type Room = Pin<Box<dyn Future<Output = Result<OwnedPermit<Event>, SendError<()>>> + Send>>;

pub(crate) struct Reader {
    events: mpsc::Sender<Event>,
    failure: Arc<OnceLock<String>>,
    /// Events that found no room. While there are any, nothing more is computed for this reader, so they stay few.
    unsent: VecDeque<Event>,
    /// Asked for while there are unsent events.
    room: Option<Room>,
    waker: Waker,
}

impl Reader {
    /// `failure` is what the reader is told if the channel closes too early; `thread` is told when there is room.
    pub(crate) fn new(events: mpsc::Sender<Event>, failure: Arc<OnceLock<String>>, thread: Sender<Message>) -> Self {
        let waker = Waker::from(Arc::new(Bell { thread }));
        Self { events, failure, unsent: VecDeque::new(), room: None, waker }
    }

    /// Whether nobody will read any more.
    pub(crate) fn has_left(&self) -> bool {
        self.events.is_closed()
    }

    /// Whether events wait for room.
    pub(crate) fn is_behind(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Puts an event in line; [`Reader::deliver`] hands it over.
    pub(crate) fn tell(&mut self, event: Event) {
        self.unsent.push_back(event);
    }

    /// Hands over what there is room for. If something is left, the thread will be woken when there is room.
    pub(crate) fn deliver(&mut self) {
        while let Some(event) = self.unsent.pop_front() {
            match self.room() {
                Poll::Ready(Ok(room)) => {
                    room.send(event);
                }
                Poll::Ready(Err(_)) => self.unsent.clear(),
                Poll::Pending => {
                    self.unsent.push_front(event);
                    return;
                }
            }
        }
    }

    /// Ends the answer at once, however full the channel is: the reader gets what is in it, then this message.
    pub(crate) fn fail(self, message: &str) {
        let _ = self.failure.set(message.to_owned());
    }

    fn room(&mut self) -> Poll<Result<OwnedPermit<Event>, SendError<()>>> {
        let mut asked = match self.room.take() {
            Some(asked) => asked,
            None => match self.events.clone().try_reserve_owned() {
                Ok(room) => return Poll::Ready(Ok(room)),
                Err(TrySendError::Closed(_)) => return Poll::Ready(Err(SendError(()))),
                Err(TrySendError::Full(events)) => Box::pin(events.reserve_owned()),
            },
        };
        let polled = asked.as_mut().poll(&mut Context::from_waker(&self.waker));
        if polled.is_pending() {
            self.room = Some(asked);
        }
        polled
    }
}

/// Wakes the model's thread.
struct Bell {
    thread: Sender<Message>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // A thread that is gone needs no waking.
        let _ = self.thread.send(Message::Look);
    }
}
