//! The thread that asks probes: it goes on while the main VM computes, waits, or is stopped.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::probes::Kit;
use crate::base::clock::Clock;
use crate::engine::director::Ask;
use crate::metrics::Aggregator;

type Job = Box<dyn FnOnce(Kit) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The running thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Prober {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Prober {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(
        aggregator: Arc<Mutex<Aggregator>>,
        clock: Clock,
        asks: mpsc::Sender<Ask>,
    ) -> io::Result<Self> {
        let (jobs, mut inbox) = mpsc::unbounded_channel::<Job>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("prober".to_owned())
            .spawn(move || {
                let local = LocalSet::new();
                local.block_on(&runtime, async {
                    let kit = Kit::new(aggregator, clock, asks);
                    while let Some(job) = inbox.recv().await {
                        tokio::task::spawn_local(job(kit.clone()));
                    }
                });
                // A program that a probe started may still be waited for.
                drop(local);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Starts work on the thread that ends by itself, or with the thread.
    pub fn start_job<F>(&self, work: impl FnOnce(Kit) -> F + Send + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        if let Some(jobs) = &self.jobs {
            // A thread that has ended has no use for it.
            let _ = jobs.send(Box::new(move |kit| Box::pin(work(kit))));
        }
    }

    /// Runs work on the thread; dropping the answer ends it. `None` when the thread has ended.
    pub async fn run<T, F>(&self, work: impl FnOnce(Kit) -> F + Send + 'static) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (mut reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |kit| {
            let work = work(kit);
            Box::pin(async move {
                tokio::select! {
                    biased;
                    () = reply.closed() => {}
                    value = work => drop(reply.send(value)),
                }
            })
        });
        self.jobs.as_ref()?.send(job).ok()?;
        answer.await.ok()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by its hook.
            let _ = thread.join();
        }
    }
}
