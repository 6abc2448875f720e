//! Bodies as they stream by: passed on, made here, searched, or broken off.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::kinds::Replacer;
use super::wire::Fuse;

/// A body on its way.
pub enum Body {
    /// As it comes.
    Passed(Incoming),
    /// Made here.
    Made(Full<Bytes>),
    /// With texts replaced; then the trailers that wait behind what was kept.
    Replaced(Box<Replaced>),
    /// Broken off.
    Cut(Box<Cut>),
}

/// A body in which texts are replaced.
pub struct Replaced {
    from: Body,
    replacer: Replacer,
    trailers: Option<Frame<Bytes>>,
    ended: bool,
}

/// A body that breaks after some bytes.
pub struct Cut {
    from: Body,
    left: u64,
    /// Lets what came before reach the socket: hyper sends nothing after an error.
    pause: Option<Pin<Box<Sleep>>>,
    fuse: Rc<Fuse>,
}

/// How long what precedes a break gets to reach the socket.
const PAUSE: Duration = Duration::from_millis(5);

impl Body {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Made(Full::new(Bytes::from(text.into())))
    }

    /// No body.
    pub fn empty() -> Self {
        Self::Made(Full::default())
    }

    /// With texts replaced.
    pub fn replaced(self, pairs: &[(String, String)]) -> Self {
        Self::Replaced(Box::new(Replaced {
            from: self,
            replacer: Replacer::new(pairs.to_vec()),
            trailers: None,
            ended: false,
        }))
    }

    /// Broken off after so many bytes.
    pub fn cut(self, after: u64, fuse: Rc<Fuse>) -> Self {
        Self::Cut(Box::new(Cut {
            from: self,
            left: after,
            pause: None,
            fuse,
        }))
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        match &mut *self {
            Self::Passed(body) => Pin::new(body).poll_frame(cx).map_err(io::Error::other),
            Self::Made(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Self::Replaced(body) => body.poll(cx),
            Self::Cut(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Passed(body) => body.is_end_stream(),
            Self::Made(body) => body.is_end_stream(),
            Self::Replaced(_) | Self::Cut(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Passed(body) => body.size_hint(),
            Self::Made(body) => body.size_hint(),
            Self::Replaced(_) => SizeHint::default(),
            Self::Cut(body) => body.from.size_hint(),
        }
    }
}

impl Replaced {
    fn poll(&mut self, cx: &mut Context<'_>) -> Polled {
        loop {
            if self.ended {
                return Poll::Ready(self.trailers.take().map(Ok));
            }
            let given = match ready!(Pin::new(&mut self.from).poll_frame(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.replacer.push(&data),
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        self.ended = true;
                        self.replacer.finish()
                    }
                },
                None => {
                    self.ended = true;
                    self.replacer.finish()
                }
            };
            if !given.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(given))));
            }
        }
    }
}

impl Cut {
    fn poll(&mut self, cx: &mut Context<'_>) -> Polled {
        if self.left > 0 {
            let frame = ready!(Pin::new(&mut self.from).poll_frame(cx)).transpose()?;
            if let Some(Ok(mut data)) = frame.map(Frame::into_data) {
                data.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= data.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            self.left = 0;
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        ready!(pause.as_mut().poll(cx));
        self.fuse.blow();
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        Poll::Ready(Some(Err(error)))
    }
}
