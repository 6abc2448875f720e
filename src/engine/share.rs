//! One scenario on one worker: its users, its schedule and its series.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::base::rng;
use crate::metrics::TagSetId;
use crate::script::{Kind, Scoped, ScriptError};

use super::executors::Executor;
use super::figures::Figures;
use super::going::Going;
use super::pacer::Pacer;
use super::plan::ScenarioPlan;
use super::pool::{Arrival, Pool};
use super::site::Site;
use super::user::{User, Work};

/// How long interrupted users may take to unwind before the run goes on without them.
const UNWINDING: Duration = Duration::from_secs(20);

/// One scenario on one worker.
pub struct Share {
    plan: Arc<ScenarioPlan>,
    /// Which scenario of the plan.
    scenario: usize,
    first_id: u64,
    pool: Arc<Pool>,
    site: Rc<Site>,
    tags: TagSetId,
    stream: u64,
    figures: Figures,
    pacer: Pacer,
    begin: Cell<Instant>,
    going: Cell<Going>,
    changed: Notify,
    users: RefCell<BTreeMap<u32, Rc<User>>>,
    free: RefCell<Vec<Rc<User>>>,
}

impl Share {
    /// Prepares a scenario; nothing runs before [`Share::run`].
    ///
    /// # Errors
    ///
    /// The kernel gives no timer.
    pub fn new(
        site: Rc<Site>,
        plan: Arc<ScenarioPlan>,
        scenario: usize,
        first_id: u64,
        pool: Arc<Pool>,
    ) -> std::io::Result<Rc<Self>> {
        let tags = site.scenario_tags(&plan);
        let mut recorder = site.recorder.borrow_mut();
        let figures = Figures::of(&mut recorder, tags);
        drop(recorder);
        Ok(Rc::new(Self {
            stream: rng::stream(site.seed, &plan.name),
            scenario,
            first_id,
            pool,
            tags,
            figures,
            pacer: Pacer::new()?,
            begin: Cell::new(Instant::now()),
            going: Cell::new(Going::On),
            changed: Notify::new(),
            users: RefCell::default(),
            free: RefCell::default(),
            site,
            plan,
        }))
    }

    /// Runs this worker's part from `begin` on; returns when its last user has unwound.
    pub async fn run(self: &Rc<Self>, begin: Instant, handed: UnboundedReceiver<Arrival>) {
        self.begin.set(begin);
        self.wait_until(begin).await;
        let taking = tokio::task::spawn_local(take_handed(self.clone(), handed));
        match &self.plan.executor {
            Executor::SharedIterations(profile) => profile.run(self).await,
            Executor::PerVuIterations(profile) => profile.run(self).await,
            Executor::ConstantVus(profile) => profile.run(self).await,
            Executor::RampingVus(profile) => profile.run(self).await,
            Executor::ArrivalRate(profile) => profile.run(self).await,
        }
        taking.abort();
        self.wind_down().await;
    }

    /// Ends the scenario now: iterations are interrupted, none begins.
    pub fn stop(&self) {
        self.going.set(Going::Away);
        for user in self.users.borrow().values() {
            user.leave();
            user.vu.stop();
        }
        self.changed.notify_one();
    }

    /// Ends the scenario before its profile does: none begins, those under way have `graceful_stop`.
    pub fn retire_all(&self) {
        if self.going.get() == Going::On {
            self.going.set(Going::Out);
            self.users.borrow().values().for_each(|user| user.leave());
            self.changed.notify_one();
        }
    }

    /// Lets iterations end for as long as `graceful_stop` says, then interrupts them.
    async fn wind_down(&self) {
        for user in self.users.borrow().values() {
            user.leave();
        }
        let limit = Instant::now() + self.plan.graceful_stop;
        self.empty_by(limit, Going::Away).await;
        self.stop();
        // What runs now unwinds at its next native or, if it computes, by the watchdog.
        let unwound = async {
            while !self.users.borrow().is_empty() {
                self.changed.notified().await;
            }
        };
        if tokio::time::timeout(UNWINDING, unwound).await.is_err() {
            let (left, name) = (self.users.borrow().len(), &self.plan.name);
            tracing::warn!("scenario \"{name}\": {left} users did not end and are abandoned");
        }
    }

    /// When the scenario began.
    #[must_use]
    pub fn begin(&self) -> Instant {
        self.begin.get()
    }

    /// Whether it has been told to end early.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.going.get() != Going::On
    }

    /// The scenario's plan.
    #[must_use]
    pub fn plan(&self) -> &ScenarioPlan {
        &self.plan
    }

    /// The worker that this share runs on.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What all workers share.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The seed of the scenario's random choices.
    #[must_use]
    pub fn stream(&self) -> u64 {
        self.stream
    }

    /// This worker's number.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.site.index as u64
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> u64 {
        self.site.workers as u64
    }

    /// This worker's users among the first `vus`.
    pub fn own(&self, vus: u32) -> impl Iterator<Item = u32> + use<> {
        self.own_between(0, vus)
    }

    /// This worker's users from `from` (included) to `to`; none when `to` is not above.
    pub fn own_between(&self, from: u32, to: u32) -> impl Iterator<Item = u32> + use<> {
        let (index, workers) = (self.site.index, self.site.workers);
        Range {
            start: from,
            end: to,
        }
        .filter(move |number| *number as usize % workers == index)
    }

    /// Waits until an instant, or until the scenario is told to end.
    pub async fn wait_until(&self, until: Instant) {
        while !self.stopping() {
            tokio::select! {
                biased;
                result = self.pacer.until(until) => {
                    if let Err(error) = result {
                        tracing::warn!("the timer failed: {error}");
                        tokio::time::sleep_until(until.into()).await;
                    }
                    return;
                }
                () = self.changed.notified() => {}
            }
        }
    }

    /// As [`Share::wait_until`], but returns early when all users have ended.
    pub async fn finish_by(&self, until: Instant) {
        self.empty_by(until, Going::Out).await;
    }

    /// Waits until all users have ended, but not past `until`, nor once the scenario is `so_far`.
    async fn empty_by(&self, until: Instant, so_far: Going) {
        let past = |going: Going| going == so_far || going == Going::Away;
        while !past(self.going.get()) && !self.users.borrow().is_empty() {
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(until.into()) => return,
            }
        }
    }

    /// Starts a user of a closed model, or lets a retired one begin again.
    pub async fn launch(self: &Rc<Self>, number: u32, work: Work) {
        let existing = self.users.borrow().get(&number).cloned();
        if let Some(user) = existing {
            user.open();
            return;
        }
        let user = self.add(number);
        let task = user.task();
        let future = user.clone().work(self.clone(), work);
        self.spawn(user, Scoped::new(task, future));
        // Thousands of users must not keep the first ones waiting.
        if number.is_multiple_of(64) {
            tokio::task::yield_now().await;
        }
    }

    /// Lets a user finish its iteration within `grace`, then wait.
    pub fn retire(self: &Rc<Self>, number: u32, grace: Duration) {
        let Some(user) = self.users.borrow().get(&number).cloned() else {
            return;
        };
        let life = user.park();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(grace).await;
            user.interrupt_life(life);
        });
    }

    /// Gives an arrival to a free user, a new one, or another worker's; else it is dropped.
    pub fn arrive(self: &Rc<Self>, number: u64, intended: Instant) {
        let arrival = Arrival { number, intended };
        if self.pool.seat(self.site.index).reserve() {
            self.seat(arrival);
        } else if let Some(number) = self.pool.allocate(self.plan.executor.max_vus()) {
            let user = self.add(number);
            user.assign(arrival);
            let task = user.task();
            let future = user.clone().serve(self.clone());
            self.spawn(user, Scoped::new(task, future));
        } else if !self.pool.hand_over(self.site.index, arrival) {
            self.drop_iterations(1);
        }
    }

    /// Gives an arrival to an idle user that was reserved for it.
    fn seat(&self, arrival: Arrival) {
        match self.free.borrow_mut().pop() {
            Some(user) => user.assign(arrival),
            None => self.drop_iterations(1),
        }
    }

    /// Takes an idle user of an open model back.
    pub fn release(&self, user: &Rc<User>) {
        self.free.borrow_mut().push(user.clone());
        self.pool.seat(self.site.index).release();
    }

    /// Counts iterations that nobody could start.
    pub fn drop_iterations(&self, count: u64) {
        if count > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
            self.site
                .recorder
                .borrow_mut()
                .add(self.figures.dropped, count as f64);
            self.pool
                .seat(self.site.index)
                .dropped
                .fetch_add(count, Relaxed);
        }
    }

    /// Records how late an arrival was served.
    pub fn lag(&self, lag: Duration) {
        self.site.recorder.borrow_mut().time(self.figures.lag, lag);
    }

    /// Records the end of an iteration.
    pub fn ended(&self, user: &User, result: mlua::Result<()>, took: Duration) {
        let seat = self.pool.seat(self.site.index);
        if let Some(fatal) = user.vu.fatal.borrow_mut().take() {
            self.site.fatal(fatal);
            seat.interrupted.fetch_add(1, Relaxed);
            return;
        }
        let error = result.err().map(|error| ScriptError::from_lua(&error));
        if let Some(error) = &error {
            match error.kind {
                Kind::Interrupted => {
                    seat.interrupted.fetch_add(1, Relaxed);
                    return;
                }
                Kind::Misuse | Kind::Memory => {
                    self.site.fatal(error.clone());
                    seat.interrupted.fetch_add(1, Relaxed);
                    return;
                }
                _ => {}
            }
        }
        let mut recorder = self.site.recorder.borrow_mut();
        let figures = self.figures.overlapping(&mut recorder, self.tags, took);
        recorder.add(figures.iterations, 1.0);
        recorder.time(figures.duration, took);
        seat.iterations.fetch_add(1, Relaxed);
        if let Some(error) = error {
            recorder.add(figures.errors, 1.0);
            drop(recorder);
            seat.errors.fetch_add(1, Relaxed);
            self.site.note_error(error, &self.plan.name);
        }
    }

    /// A new user, listed among this worker's.
    fn add(&self, number: u32) -> Rc<User> {
        let id = self.first_id + u64::from(number);
        let vu = self.site.vu(id, self.scenario, &self.plan, self.tags);
        let user = User::new(number, vu);
        self.users.borrow_mut().insert(number, user.clone());
        self.pool.seat(self.site.index).vus.fetch_add(1, Relaxed);
        user
    }

    /// Runs a user and takes it off the list when it has ended.
    fn spawn(self: &Rc<Self>, user: Rc<User>, future: impl Future<Output = ()> + 'static) {
        let listed = Listed {
            share: self.clone(),
            number: user.number,
        };
        tokio::task::spawn_local(async move {
            let _listed = listed;
            future.await;
        });
    }
}

/// Takes a user off the list when its task ends, also by a panic: the scenario must not wait for it.
struct Listed {
    share: Rc<Share>,
    number: u32,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let share = &self.share;
        share.users.borrow_mut().remove(&self.number);
        share.pool.seat(share.site.index).vus.fetch_sub(1, Relaxed);
        share.changed.notify_one();
        if std::thread::panicking() {
            share.site.panicked();
        }
    }
}

/// Serves what other workers hand over.
async fn take_handed(share: Rc<Share>, mut handed: UnboundedReceiver<Arrival>) {
    while let Some(arrival) = handed.recv().await {
        share.seat(arrival);
    }
}
