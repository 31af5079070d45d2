//! Who goes before whom on a busy processor: threads that compute answers for seconds on end give way to those that have little to
//! do at once, such as passing on what others answer.

/// How nice the computing threads are: against it a thread of the usual priority gets nine parts of ten of a core that both want, and
/// is not kept waiting when it wakes up; where nobody else wants the core, nothing changes.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Has the calling thread give way to the others of this machine. Does nothing where the system knows no priorities of threads.
pub fn give_way() {
    // Linux has a priority for each thread; elsewhere this would be the whole process's.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a computing thread keeps the usual priority");
    }
}
