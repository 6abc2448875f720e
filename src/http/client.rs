//! One virtual user's client: sends a request through its redirects and challenges.

use std::cell::{RefCell, RefMut};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::codes;
use super::coding;
use super::cookies::Jar;
use super::dial::dial;
use super::failure::Failure;
use super::h1;
use super::h2::Session;
use super::hop::Hop;
use super::link::Link;
use super::origin::Origin;
use super::outcome::Outcome;
use super::pool::{Opening, Pool};
use super::reply::Reply;
use super::request::Request;
use super::shared::Shared;
use super::trace::{Phase, Trace};

/// The connections and cookies of one virtual user.
pub struct Client {
    shared: Rc<Shared>,
    pool: RefCell<Pool>,
    jar: RefCell<Jar>,
}

/// How a request ended.
enum Ended {
    Whole(Result<Reply, Failure>),
    Late,
    Cut,
}

/// A timeout beyond this is none.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

impl Client {
    /// A client without connections and cookies.
    #[must_use]
    pub fn new(shared: Rc<Shared>) -> Self {
        Self {
            shared,
            pool: RefCell::default(),
            jar: RefCell::default(),
        }
    }

    /// Forgets all cookies, as at the start of an iteration.
    pub fn reset_cookies(&self) {
        self.jar.borrow_mut().clear();
    }

    /// The cookie jar; not to be held across an `await`.
    pub fn cookies(&self) -> RefMut<'_, Jar> {
        self.jar.borrow_mut()
    }

    /// Closes the connections that no request is using.
    pub fn close_idle(&self) {
        self.pool.borrow_mut().clear();
    }

    /// Sends a request and reads the response to its end. Never fails: failure is data.
    ///
    /// Needs a tokio runtime with time and I/O, inside a `LocalSet` for HTTP/2. Dropping the
    /// future closes the connection in use.
    pub async fn send(&self, request: Request) -> Outcome {
        self.send_until(&request, pending()).await
    }

    /// As [`Client::send`]; when `stop` is ready first, the request is cut and the outcome has
    /// the code [`codes::CUT`] and the time until then.
    pub async fn send_until(&self, request: &Request, stop: impl Future<Output = ()>) -> Outcome {
        let timeout = request.timeout.min(NEVER);
        // The clock is read as rarely as it can be: it would be a tenth of a request's cost.
        let now = Instant::now();
        let trace = Trace::new(request.method.clone(), request.url.clone(), now);
        let ended = {
            let mut run = pin!(self.run(request, &trace, now + timeout));
            let mut timer = pin!(tokio::time::sleep_until((now + timeout).into()));
            let mut stop = pin!(stop);
            poll_fn(|cx| {
                if let Poll::Ready(result) = run.as_mut().poll(cx) {
                    return Poll::Ready(Ended::Whole(result));
                }
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ended::Cut);
                }
                timer.as_mut().poll(cx).map(|()| Ended::Late)
            })
            .await
        };
        match ended {
            Ended::Whole(Ok(reply)) => trace.finish(reply.status, reply.headers, reply.body),
            Ended::Whole(Err(failure)) => trace.fail(failure),
            Ended::Late => {
                let failure = late(trace.phase(), request.timeout);
                trace.fail(failure)
            }
            Ended::Cut => {
                let text = "cut by the end of its scenario";
                trace.fail(Failure::new(codes::CUT, text))
            }
        }
    }

    async fn run(
        &self,
        request: &Request,
        trace: &Trace,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        let mut hop = Hop::first(request);
        let mut redirects = request.redirects;
        loop {
            trace.begin(&hop.method, &hop.url);
            let mut reply = self.exchange(request, &hop, trace, deadline).await?;
            trace.rest();
            if request.use_jar {
                self.jar.borrow_mut().receive(&hop.url, &reply.headers);
            }
            let code = codes::of_status(reply.status);
            let next = match hop.challenged(request, reply.status, &reply.headers) {
                Ok(None) if redirects > 0 => {
                    let next = hop.redirected(reply.status, &reply.headers);
                    redirects -= u32::from(matches!(next, Ok(Some(_))));
                    next
                }
                next => next,
            };
            match next {
                Ok(None) => {}
                Ok(Some(next)) => {
                    trace.end(reply.status, code);
                    hop = next;
                    continue;
                }
                Err(failure) => {
                    trace.end(reply.status, code);
                    return Err(failure);
                }
            }
            if request.decompress && !reply.body.is_empty() {
                reply.body = coding::decode(reply.body, &reply.headers, request.max_body)?;
            }
            trace.end(reply.status, code);
            return Ok(reply);
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        hop: &Hop,
        trace: &Trace,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        if let Some(reply) = self.on_session(request, hop, trace).await? {
            return Ok(reply);
        }
        let link = match self.kept(request, hop, trace).await {
            Some(link) => link,
            // Boxed, so that requests on kept connections do not carry its size.
            None => match Box::pin(self.open(request, hop, trace, deadline)).await? {
                Opened::H1(link) => link,
                Opened::H2(session) => {
                    return self.on_new_session(session, request, hop, trace).await;
                }
            },
        };
        let (reply, link) =
            h1::exchange(&self.shared, link, request, hop, &self.jar, trace).await?;
        if let Some(link) = link {
            self.pool.borrow_mut().put(link, trace.since());
        }
        Ok(reply)
    }

    /// The exchange on a shared HTTP/2 connection, if there is one and it is still good.
    async fn on_session(
        &self,
        request: &Request,
        hop: &Hop,
        trace: &Trace,
    ) -> Result<Option<Reply>, Failure> {
        let session = self.pool.borrow().session(request, &hop.url);
        let Some(session) = session else {
            return Ok(None);
        };
        let origin = session.origin.clone();
        if !session.is_closed() {
            trace.connected(Some(session.remote), true);
            let exchange = session.exchange(request, hop, &self.jar, trace);
            let reply = Box::pin(exchange).await?;
            if reply.is_some() {
                return Ok(reply);
            }
        }
        self.pool.borrow_mut().forget(&origin);
        trace.connected(None, false);
        trace.reconnect();
        Ok(None)
    }

    async fn on_new_session(
        &self,
        session: Session,
        request: &Request,
        hop: &Hop,
        trace: &Trace,
    ) -> Result<Reply, Failure> {
        let exchange = session.exchange(request, hop, &self.jar, trace);
        let reply = Box::pin(exchange).await?;
        reply.ok_or_else(|| {
            Failure::new(codes::H2_CONNECTION, "HTTP/2 connection was closed at once")
        })
    }

    /// A kept connection that is still good.
    async fn kept(&self, request: &Request, hop: &Hop, trace: &Trace) -> Option<Link> {
        loop {
            let mut link = self.pool.borrow_mut().take(request, &hop.url)?;
            if link.is_good(trace.since()).await {
                trace.connected(Some(link.remote), true);
                return Some(link);
            }
            trace.reconnect();
        }
    }

    async fn open(
        &self,
        request: &Request,
        hop: &Hop,
        trace: &Trace,
        deadline: Instant,
    ) -> Result<Opened, Failure> {
        let origin = Rc::new(Origin::new(request, &hop.url)?);
        let may_be_h2 = origin.may_be_h2();
        if may_be_h2 {
            let opening = self.pool.borrow().opening(&origin);
            if let Some(opening) = opening {
                opening.notified().await;
                let session = self.pool.borrow().session(request, &hop.url);
                if let Some(session) = session {
                    trace.connected(Some(session.remote), true);
                    return Ok(Opened::H2(session));
                }
            }
        }
        let _opening = may_be_h2.then(|| Opening::new(&self.pool, origin.clone()));
        let (link, h2) = dial(&self.shared, origin.clone(), trace, deadline).await?;
        if h2 {
            let session = Session::open(link).await?;
            if request.keep_alive {
                self.pool.borrow_mut().share(session.clone());
            }
            return Ok(Opened::H2(session));
        }
        if may_be_h2 {
            self.pool.borrow_mut().note_only_h1(origin);
        }
        Ok(Opened::H1(link))
    }
}

/// A connection just opened, or shared by the request that opened it.
enum Opened {
    H1(Link),
    H2(Session),
}

/// A timeout says what was being waited for.
fn late(phase: Phase, timeout: Duration) -> Failure {
    let (code, what) = match phase {
        Phase::Dns => (codes::TIMEOUT, "resolving the name"),
        Phase::Connecting => (codes::DIAL_TIMEOUT, "connecting"),
        Phase::Tls => (codes::TIMEOUT, "in the TLS handshake"),
        Phase::Sending => (codes::TIMEOUT, "sending the request"),
        Phase::Waiting => (codes::TIMEOUT, "waiting for the first byte"),
        Phase::Receiving => (codes::TIMEOUT, "receiving the response"),
        Phase::Blocked | Phase::Rest => (codes::TIMEOUT, "waiting for a connection"),
    };
    let limit = crate::base::units::show_duration(timeout);
    Failure::new(code, format!("timed out after {limit} while {what}"))
}
