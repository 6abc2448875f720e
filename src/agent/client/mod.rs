//! The controller's end: starts agents when the first fault is planned, and never heals a host itself.

mod held;
mod link;
mod notice;
mod rescue;
mod shared;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use held::{Held, Order, Phase, State};
pub use notice::Notice;
pub use shared::{AgentCommand, AgentsConfig, GuardRails};

use super::host;
use super::protocol::{self, Answer, Hello, Task, VERSION};
use crate::base::text::nearest;
use crate::base::units::millis;
use crate::fault::{Healed, Preflight, Spec, Trouble};
use link::{About, Link};
use shared::Inner;

/// The agents of a run. Cheap to clone; belongs to no thread and no runtime.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agents")
            .field("run", &self.0.run)
            .finish_non_exhaustive()
    }
}

/// How long the end of a run waits for heals.
const PATIENCE: Duration = Duration::from_secs(90);

impl Agents {
    /// The agents of a run; none is started yet.
    #[must_use]
    pub fn new(config: AgentsConfig) -> Self {
        Self(Arc::new(Inner::new(config)))
    }

    /// Adds what the script says of agents.
    pub fn configure(&self, commands: BTreeMap<String, AgentCommand>) {
        let mut known = self.commands();
        for (name, command) in commands {
            // What the command line says of one wins.
            known.entry(name).or_insert(command);
        }
    }

    /// Whether an agent of this name could be started; the empty name is this host.
    ///
    /// # Errors
    ///
    /// [`Trouble::Misuse`] that names the nearest.
    pub fn knows(&self, name: &str) -> Result<(), Trouble> {
        let commands = self.commands();
        if name.is_empty() || commands.contains_key(name) {
            return Ok(());
        }
        let near = nearest(name, commands.keys().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Err(Trouble::Misuse(format!(
            "no agent is called \"{name}\"{near}; write options {{ agents = {{ {name} = {{ command = {{ \"ssh\", \
             \"{name}\", \"rchaos\", \"agent\" }} }} }} }}"
        )))
    }

    fn commands(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, AgentCommand>> {
        self.0
            .commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault: gives it its number and name, and touches nothing yet.
    ///
    /// # Errors
    ///
    /// [`Trouble::Misuse`]: nobody knows its agent.
    pub fn plan(&self, order: Order) -> Result<Arc<Held>, Trouble> {
        self.knows(&order.agent)?;
        Ok(self.0.enter(order))
    }

    /// Injects a planned fault, once; returns when it is read back as being in place. In a dry run it is only logged.
    ///
    /// The order may be on its way as soon as this is polled. Whoever drops the future then must see to it that
    /// [`Agents::heal`] follows: an injection that comes late is refused after that.
    ///
    /// # Errors
    ///
    /// Why it is not in place. Nothing is left of it, unless that is [`Trouble::Left`].
    pub async fn inject(&self, held: &Arc<Held>) -> Result<(), Trouble> {
        if self.0.dry_run && !held.order.fixture {
            held.dry_run();
            let text = format!("dry run: {}", held.order.label);
            self.0.tell(held, text);
            return Ok(());
        }
        let rails = &self.0.guard_rails;
        let allowed = match &rails.no_faults {
            Some(why) if !held.order.fixture => Err(Trouble::Precondition(why.clone())),
            _ if held.order.fixture => Ok(()),
            _ => rails.protected.host(&[&held.order.agent]),
        };
        let refused = |trouble: &Trouble| held.refused(trouble);
        allowed.inspect_err(refused)?;
        let link = self.link(&held.order.agent).await.inspect_err(refused)?;
        let task = Task::Inject(protocol::Order {
            id: held.id,
            name: held.name.clone(),
            spec: held.order.spec.clone(),
            ttl_ms: held.order.ttl.map(millis),
        });
        expect(link.ask(task, About::Inject(held.clone())).await)?;
        Ok(())
    }

    /// Gives a live fault other settings; returns once it is read back. In a dry run it is only logged.
    ///
    /// # Errors
    ///
    /// It is not live, or cannot be changed so; it goes on as it was.
    pub async fn update(&self, held: &Arc<Held>, spec: Spec) -> Result<(), Trouble> {
        if held.state().phase == Phase::DryRun {
            self.0.tell(held, "dry run: updated".to_owned());
            return Ok(());
        }
        let link = self.links().get(&held.order.agent).cloned();
        let (Phase::Live, Some(link)) = (held.state().phase, link) else {
            let text = format!("\"{}\" is not live any more; inject it anew", held.name);
            return Err(Trouble::Precondition(text));
        };
        let task = Task::Update { id: held.id, spec };
        expect(link.ask(task, About::Update(held.clone())).await)?;
        Ok(())
    }

    /// Heals a fault; one that is healed already stays so.
    ///
    /// # Errors
    ///
    /// It could not be undone.
    pub async fn heal(&self, held: &Arc<Held>) -> Result<(), Trouble> {
        if !held.state().phase.is_open() {
            return Ok(());
        }
        let Some(link) = self.links().get(&held.order.agent).cloned() else {
            return Ok(());
        };
        let answer = link.ask(Task::Heal { id: held.id }, About::Heal(held.clone()));
        match expect(answer.await)? {
            Answer::Healed(Healed::Drifted(text)) => Err(Trouble::Left(text)),
            _ => Ok(()),
        }
    }

    /// Heals all faults on every agent, and waits until that is done. What is on its way is undone when it lands.
    /// Fixtures stay: what tidies up may need them. What could not be healed shows in [`Agents::records`].
    pub async fn heal_all(&self) {
        self.heal_everywhere(false).await;
    }

    async fn heal_everywhere(&self, fixtures: bool) {
        let links: Vec<_> = self.links().values().cloned().collect();
        let answers: Vec<_> = links
            .iter()
            .map(|link| link.ask(Task::HealAll { fixtures }, About::HealAll))
            .collect();
        let limit = tokio::time::Instant::now() + PATIENCE;
        for answer in answers {
            // One that does not answer is lost, or shows as unhealed.
            let _ = tokio::time::timeout_at(limit, answer).await;
        }
        let lost: Vec<_> = links
            .into_iter()
            .filter(|link| link.lost().is_some())
            .collect();
        settled(&lost).await;
    }

    /// Heals what is left, fixtures too, ends all agents, and waits for them.
    pub async fn close(&self) {
        self.heal_everywhere(true).await;
        let links: Vec<_> = self.links().drain().map(|(_, link)| link).collect();
        for link in &links {
            link.leave();
        }
        settled(&links).await;
    }

    fn links(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Arc<Link>>> {
        self.0.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks what a fault would touch; touches nothing.
    ///
    /// # Errors
    ///
    /// Why it could not be injected.
    pub async fn preflight(&self, order: &Order) -> Result<Preflight, Trouble> {
        self.knows(&order.agent)?;
        let link = self.link(&order.agent).await?;
        let task = Task::Preflight(order.spec.clone());
        match expect(link.ask(task, About::Nothing).await)? {
            Answer::Preflight(preflight) => Ok(preflight),
            _ => Err(astray()),
        }
    }

    /// Asks an agent about its host.
    ///
    /// # Errors
    ///
    /// What the query says against it.
    pub async fn ask(&self, agent: &str, query: &str, options: Value) -> Result<Value, Trouble> {
        self.knows(agent)?;
        let link = self.link(agent).await?;
        let query = query.to_owned();
        let task = Task::Ask { query, options };
        match expect(link.ask(task, About::Nothing).await)? {
            Answer::Told(value) => Ok(value),
            _ => Err(astray()),
        }
    }

    /// All faults and fixtures that were asked for, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<Held>> {
        self.0.all()
    }

    /// The faults that are live now, oldest first; no fixtures.
    #[must_use]
    pub fn live(&self) -> Vec<Arc<Held>> {
        let mut all = self.0.all();
        all.retain(|held| held.active() && !held.order.fixture);
        all
    }

    /// Whether faults are only logged.
    #[must_use]
    pub fn dry_run(&self) -> bool {
        self.0.dry_run
    }

    async fn link(&self, name: &str) -> Result<Arc<Link>, Trouble> {
        // One at a time is started, so that two faults do not start the same agent twice.
        let _starting = self.0.starting.lock().await;
        if let Some(link) = self.links().get(name) {
            return Ok(link.clone());
        }
        let configured = self.commands().get(name).cloned();
        let AgentCommand { command, control } = match configured {
            Some(command) => command,
            None => own_command()?,
        };
        let inner = &self.0;
        let hello = Hello {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            run: inner.run.clone(),
            script: inner.script.clone(),
            lease_ms: millis(inner.lease),
            seed: inner.seed,
            exempt: control,
            host: host::name(),
            pid: i32::try_from(std::process::id()).unwrap_or_default(),
            operator: inner.guard_rails.operator.clone(),
            ticket: inner.guard_rails.ticket.clone(),
            max_blast: inner.guard_rails.max_blast,
            protected: inner.guard_rails.protected.clone(),
        };
        let link = Link::start(inner, name, command, hello).await?;
        if let Some(ready) = link.ready() {
            let mut texts = rescue::texts(&ready.recovered);
            let who = format!(
                "{}: rchaos {} on {} as uid {}, journal {}",
                link.label(),
                ready.program,
                ready.host,
                ready.uid,
                ready.journal
            );
            texts.insert(0, who);
            let agent = name.to_owned();
            inner.notice(Notice::Started { agent, texts });
        }
        self.links().insert(name.to_owned(), link.clone());
        Ok(link)
    }
}

/// The agent of this host: this very program.
fn own_command() -> Result<AgentCommand, Trouble> {
    let program = std::env::current_exe()
        .map_err(|error| Trouble::system("the path of this program", error))?;
    Ok(AgentCommand {
        command: vec![program.to_string_lossy().into_owned(), "agent".to_owned()],
        control: Vec::new(),
    })
}

fn expect(
    answer: Result<Result<Answer, Trouble>, tokio::sync::oneshot::error::RecvError>,
) -> Result<Answer, Trouble> {
    answer.unwrap_or_else(|_| Err(Trouble::Fenced("the agent has ended".to_owned())))
}

fn astray() -> Trouble {
    Trouble::Failed("the agent answered something else; is it of another version?".to_owned())
}

/// Waits until it is known what became of what agents held.
async fn settled(links: &[Arc<Link>]) {
    let limit = Instant::now() + PATIENCE;
    while links.iter().any(|link| !link.settled()) && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
