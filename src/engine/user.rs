//! A virtual user: its own script instance, connections and cookies, working through iterations.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use mlua::{Function, Table, Value};

use crate::base::rng::Rng;
use crate::script::{Kind, Phase, ScriptError, Task, Vu};

use super::activity::{Activity, Spawned};
use super::pool::Arrival;
use super::share::Share;
use super::verbs::Declared;

/// What a user of a closed model does until when.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    until: Instant,
    claim: Claim,
}

#[derive(Debug, Clone, Copy)]
enum Claim {
    Endless,
    Each(u64),
    Shared(u64),
}

impl Work {
    /// Iterations without number, until an instant.
    #[must_use]
    pub fn until(until: Instant) -> Self {
        let claim = Claim::Endless;
        Self { until, claim }
    }

    /// A number of iterations for this user.
    #[must_use]
    pub fn each(until: Instant, iterations: u64) -> Self {
        let claim = Claim::Each(iterations);
        Self { until, claim }
    }

    /// Iterations from the pool of the scenario.
    #[must_use]
    pub fn shared(until: Instant, iterations: u64) -> Self {
        let claim = Claim::Shared(iterations);
        Self { until, claim }
    }
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Begin iterations.
    Open,
    /// Wait: the profile wants fewer users just now.
    Parked,
    /// End after the iteration that is under way.
    Leave,
}

/// One virtual user of one worker.
pub struct User {
    /// Its number in the scenario, from 0.
    pub number: u32,
    /// What its natives work on.
    pub vu: Rc<Vu>,
    task: Rc<Task>,
    gate: Cell<Gate>,
    busy: Cell<bool>,
    /// Whether the last iteration ended with an error.
    unwound: Cell<bool>,
    /// Counts openings of the gate, so that a late retirement does not hit the next life.
    life: Cell<u32>,
    next: Cell<Option<Arrival>>,
    waker: RefCell<Option<Waker>>,
}

/// The script of a user, ready to be called.
struct Opened {
    function: Function,
    argument: Table,
    session: Value,
    spawned: Rc<Spawned>,
}

/// A user yields to its neighbours after this much work without a pause.
const FAIR_SLICE: Duration = Duration::from_millis(1);

impl User {
    /// A user with its gate open.
    #[must_use]
    pub fn new(number: u32, vu: Rc<Vu>) -> Rc<Self> {
        Rc::new(Self {
            number,
            task: Task::new(&vu),
            vu,
            gate: Cell::new(Gate::Open),
            busy: Cell::new(false),
            unwound: Cell::new(false),
            life: Cell::new(0),
            next: Cell::new(None),
            waker: RefCell::new(None),
        })
    }

    /// The task that its iterations run as.
    #[must_use]
    pub fn task(&self) -> Rc<Task> {
        self.task.clone()
    }

    /// Lets it begin iterations (again).
    pub fn open(&self) {
        self.life.set(self.life.get().wrapping_add(1));
        self.set_gate(Gate::Open);
    }

    /// Lets it finish its iteration and then wait; returns what [`User::interrupt_life`] takes.
    pub fn park(&self) -> u32 {
        self.set_gate(Gate::Parked);
        self.life.get()
    }

    /// Lets it finish its iteration and then end.
    pub fn leave(&self) {
        self.set_gate(Gate::Leave);
    }

    /// Interrupts the iteration of a parked user, unless it was opened again since.
    pub fn interrupt_life(&self, life: u32) {
        if self.life.get() == life && self.gate.get() == Gate::Parked && self.busy.get() {
            self.vu.stop();
        }
    }

    /// Gives an idle user of an open model its next iteration.
    pub fn assign(&self, arrival: Arrival) {
        self.next.set(Some(arrival));
        self.wake();
    }

    fn set_gate(&self, gate: Gate) {
        self.gate.set(gate);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Waits for something that another part of this worker will tell by [`User::wake`].
    async fn wait_for<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| match ready() {
            Some(value) => Poll::Ready(value),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// Works through a closed model; returns when there is nothing left to do.
    pub async fn work(self: Rc<Self>, share: Rc<Share>, work: Work) {
        let Some(opened) = self.open_script(&share).await else {
            return;
        };
        let mut done = 0;
        let mut now = Instant::now();
        let mut slice = now;
        loop {
            match self.gate.get() {
                Gate::Leave => break,
                Gate::Parked => {
                    self.vu.restart();
                    self.wait_for(|| (self.gate.get() != Gate::Parked).then_some(()))
                        .await;
                    now = Instant::now();
                    slice = now;
                    continue;
                }
                Gate::Open if share.stopping() || now >= work.until => break,
                // Opened again while its last iteration was being interrupted.
                Gate::Open if self.vu.stopped() => self.vu.restart(),
                Gate::Open => {}
            }
            let Some(number) = self.claim(&share, work.claim, done) else {
                break;
            };
            now = self.iterate(&opened, &share, number, done, now).await;
            done += 1;
            // An iteration that was ended from outside condemned the whole slice of the worker.
            if now.duration_since(slice) > FAIR_SLICE || self.unwound.take() {
                tokio::task::yield_now().await;
                now = Instant::now();
                slice = now;
            }
        }
        if let Claim::Each(iterations) = work.claim {
            share.drop_iterations(iterations - done);
        }
    }

    /// Serves arrivals of an open model until it is told to leave.
    pub async fn serve(self: Rc<Self>, share: Rc<Share>) {
        let Some(opened) = self.open_script(&share).await else {
            return;
        };
        let mut done = 0;
        loop {
            let next = self
                .wait_for(|| match self.next.take() {
                    None if self.gate.get() == Gate::Leave => Some(None),
                    None => None,
                    arrival => Some(arrival),
                })
                .await;
            let Some(arrival) = next else {
                return;
            };
            if self.vu.stopped() {
                return;
            }
            let start = Instant::now();
            share.lag(start.duration_since(arrival.intended));
            self.iterate(&opened, &share, arrival.number, done, start)
                .await;
            done += 1;
            if self.gate.get() == Gate::Leave {
                return;
            }
            share.release(&self);
        }
    }

    fn claim(&self, share: &Share, claim: Claim, done: u64) -> Option<u64> {
        // Numbers must not depend on which worker does what; users of a closed model count alone.
        let own = (u64::from(self.number) << 32) | done;
        match claim {
            Claim::Endless => Some(own),
            Claim::Each(iterations) => (done < iterations).then_some(own),
            Claim::Shared(total) => share.pool().claim(total),
        }
    }

    /// Runs the script's top level for this user and finds its scenario's function.
    async fn open_script(&self, share: &Share) -> Option<Opened> {
        match self.try_open(share).await {
            Ok(opened) => Some(opened),
            Err(error) => {
                if !self.vu.stopped() && error.kind != Kind::Interrupted {
                    share.site().fatal(error);
                }
                None
            }
        }
    }

    async fn try_open(&self, share: &Share) -> Result<Opened, ScriptError> {
        let site = share.site();
        let spawned = self.vu.ext::<Spawned>();
        let shape = |error: mlua::Error| ScriptError::from_lua(&error);
        let chunk = site.instance()?;
        Activity::new(
            self.task(),
            spawned.clone(),
            Box::pin(chunk.call_async::<()>(())),
        )
        .await
        .map_err(shape)?;
        let function = self.vu.ext::<Declared>().take().ok_or_else(|| {
            ScriptError::new(
                Kind::Runtime,
                format!(
                    "scenario \"{}\" was not declared again when a user ran the script; \
                     declare every scenario unconditionally",
                    share.plan().name
                ),
            )
        })?;
        let argument = site.vm.lua().create_table().map_err(shape)?;
        argument.raw_set("id", self.vu.id.get()).map_err(shape)?;
        argument
            .raw_set("scenario", &*share.plan().name)
            .map_err(shape)?;
        self.vu.phase.set(Phase::Iteration);
        Ok(Opened {
            function,
            argument,
            session: site.session(),
            spawned,
        })
    }

    /// Runs one iteration and records it; returns the instant at which it ended.
    async fn iterate(
        &self,
        opened: &Opened,
        share: &Share,
        number: u64,
        done: u64,
        start: Instant,
    ) -> Instant {
        self.vu.iteration.set(number);
        *self.vu.rng.borrow_mut() = Rng::from_mixed(share.stream(), number);
        self.vu.client.reset_cookies();
        self.busy.set(true);
        #[expect(clippy::cast_precision_loss, reason = "Lua numbers are doubles")]
        let result = match opened.argument.raw_set("iteration", (done + 1) as f64) {
            Ok(()) => {
                let arguments = (&opened.argument, &opened.session);
                let main = opened.function.call_async::<()>(arguments);
                Activity::new(self.task(), opened.spawned.clone(), main).await
            }
            Err(error) => Err(error),
        };
        self.busy.set(false);
        self.unwound.set(result.is_err());
        let end = Instant::now();
        share.ended(self, result, end.duration_since(start));
        end
    }
}
