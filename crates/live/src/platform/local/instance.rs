//! One instance of a function: a process, and the loop that hands it invocations.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use units::Nanos;

use super::function::FunctionSpec;
use super::invocation::{Answer, Invocation};
use super::pool::{InstanceId, NewInstance, Released};
use super::running::{Happening, Running};
use super::runtime_api::{FunctionError, RuntimeCall, Work};
use super::service::Service;
use super::usage::InvocationRecord;

/// One instance of a function, from its start to its end.
#[derive(Debug)]
pub(super) struct Instance {
    service: Arc<Service>,
    id: InstanceId,
    number: u32,
    spec: Arc<FunctionSpec>,
    orders: mpsc::Receiver<Invocation>,
}

/// Where the process waits for its next invocation.
type Waiting = oneshot::Sender<Work>;

/// An invocation that is over.
struct Finished {
    result: Result<bytes::Bytes, FunctionError>,
    /// Where the process waits for the next one; `None` if it has to end.
    waiting: Option<Waiting>,
}

impl Instance {
    /// Starts the process, and hands it invocations until it ends.
    pub(super) async fn run(service: Arc<Service>, new: NewInstance) {
        let NewInstance { id, number, spec, orders, first } = new;
        let mut instance = Instance { service, id, number, spec, orders };
        instance.service.usage.count_start();
        match Running::start(&instance.service, &instance.spec).await {
            Ok(mut running) => {
                let is_wanted = instance.service.pool.started(id, &running.process);
                if is_wanted {
                    instance.serve(&mut running, first).await;
                } else {
                    let why = "the platform is stopping".to_owned();
                    first.answer(Err(super::ApiError::Service(why)));
                }
                running.process.kill();
                running.process.ended().await;
            }
            Err(err) => {
                let program = instance.spec.code.program.display();
                let what = format!("cannot start {program}: {err}");
                let error = FunctionError::of_platform(
                    &first.request_id,
                    "Runtime.InvalidEntrypoint",
                    &what,
                );
                first.answer(Ok(Answer { result: Err(error), log_tail: what }));
            }
        }
        instance.service.pool.ended(&instance.spec.name, id);
        // One that was sent just when the process ended by itself was not begun.
        instance.orders.close();
        while let Ok(order) = instance.orders.try_recv() {
            instance.service.dispatch(order);
        }
    }

    /// Runs invocations from `first` on, until the instance has to end.
    async fn serve(&mut self, running: &mut Running, first: Invocation) {
        let config = &self.service.config;
        let init_ends_at = running.started_at + duration(config.init_timeout);
        let mut waiting = match running.init(&first.request_id, init_ends_at).await {
            Ok(waiting) => waiting,
            Err(error) => {
                // As on AWS, a start that failed is billed for as long as it took.
                let took = nanos(running.started_at.elapsed());
                let record = self.record(running, &first, took, running.started_at, Some(&error));
                self.finish(running, first, Err(error), record);
                return;
            }
        };
        let mut init = Some(nanos(running.started_at.elapsed()));
        let mut start_delay = self.service.config.cold_start;
        let mut invocation = first;
        loop {
            tokio::time::sleep_until(invocation.received_at + duration(start_delay)).await;
            running.process.thaw();
            let began_at = Instant::now();
            running.logs.begin(&invocation.request_id);
            let finished = self.invoke(running, &invocation, waiting).await;
            if finished.waiting.is_some() {
                running.process.freeze();
            }
            running.look_at_memory();
            let ran = nanos(began_at.elapsed());
            let mut record =
                self.record(running, &invocation, ran, began_at, finished.result.as_ref().err());
            record.init = init.take();
            let Some(next) = finished.waiting else {
                return self.finish(running, invocation, finished.result, record);
            };
            // Idle before the answer is out: who asks again at once is to find it so.
            let released = self.service.pool.released(&self.spec.name, self.id);
            self.finish(running, invocation, finished.result, record);
            match released {
                Released::Stays => {}
                Released::Ends => return,
                Released::IsReclaimed { rank } => {
                    return self.service.note_reclaim(&self.spec.name, rank);
                }
            }
            let Some(order) = running.idle(&mut self.orders, next).await else { return };
            (invocation, waiting) = order;
            start_delay = self.service.config.warm_start;
        }
    }

    /// Hands the process one invocation and waits until it asks for the next one, or ends, or
    /// has to.
    async fn invoke(
        &self,
        running: &mut Running,
        invocation: &Invocation,
        waiting: Waiting,
    ) -> Finished {
        let id = &invocation.request_id;
        let ends_at = Instant::now() + duration(self.spec.timeout);
        let work = Work::new(&self.spec, invocation);
        // The process's connection may have closed; then it will ask again.
        let mut is_handed = waiting.send(work.clone()).is_ok();
        let mut answered = None;
        loop {
            let failed = |error_type, what: &str| {
                let error = FunctionError::of_platform(id, error_type, what);
                Finished { result: Err(error), waiting: None }
            };
            let ended = match running.happening(ends_at).await {
                Happening::Call(RuntimeCall::Next { reply }) => match answered.take() {
                    Some(result) => return Finished { result, waiting: Some(reply) },
                    None if is_handed => {
                        let what = "the runtime asked for another invocation without an answer";
                        failed("Runtime.NoAnswer", what)
                    }
                    None => {
                        is_handed = reply.send(work.clone()).is_ok();
                        continue;
                    }
                },
                Happening::Call(RuntimeCall::Answer { request_id, answer, reply }) => {
                    let is_expected = request_id == *id && answered.is_none() && is_handed;
                    if is_expected {
                        answered = Some(answer);
                    }
                    let _ = reply.send(is_expected);
                    continue;
                }
                Happening::Call(RuntimeCall::InitError { reply, .. }) => {
                    let _ = reply.send(false);
                    continue;
                }
                Happening::Ended(status) => {
                    failed("Runtime.ExitError", &format!("Runtime exited with error: {status}"))
                }
                Happening::Expired => {
                    let seconds = self.spec.timeout.as_seconds_f64();
                    let what = format!("Task timed out after {seconds:.2} seconds");
                    failed("Sandbox.Timedout", &what)
                }
                Happening::OutOfMemory => {
                    let what = "Runtime exited with error: signal: killed";
                    failed("Runtime.OutOfMemory", what)
                }
            };
            // An answer that was given stands, even if the process did not live on after it.
            return match answered {
                Some(result) => Finished { result, waiting: None },
                None => ended,
            };
        }
    }

    fn record(
        &self,
        running: &Running,
        invocation: &Invocation,
        ran: Nanos,
        began_at: Instant,
        error: Option<&FunctionError>,
    ) -> InvocationRecord {
        InvocationRecord {
            function: self.spec.name.clone(),
            instance: self.number,
            request_id: invocation.request_id.clone(),
            kind: invocation.kind.clone(),
            received_at: self.service.time(invocation.received_at),
            start_delay: nanos(began_at.saturating_duration_since(invocation.received_at)),
            init: None,
            duration: ran,
            billed_ms: self.service.config.quantum.billed_ms(ran),
            memory_mb: self.spec.memory_mb,
            memory_used_max: running.memory_max,
            error_type: error.map(|it| it.error_type.clone()),
        }
    }

    /// Writes down what an invocation took, and answers it.
    fn finish(
        &self,
        running: &mut Running,
        invocation: Invocation,
        result: Result<bytes::Bytes, FunctionError>,
        record: InvocationRecord,
    ) {
        let report = record.report();
        tracing::info!(target: "live::function", function = self.spec.name, report);
        let log_tail = running.logs.end(&invocation.request_id, &report);
        self.service.usage.record(record);
        invocation.answer(Ok(Answer { result, log_tail }));
    }
}

pub(super) fn duration(length: Nanos) -> Duration {
    Duration::from_nanos(length.get())
}

pub(super) fn nanos(length: Duration) -> Nanos {
    Nanos::new(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}
