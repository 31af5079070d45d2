//! The second port, and the witnesses on both sides: what is needed for them is read before any port opens.

use std::net::SocketAddr;
use std::sync::Arc;

use gateway::{
    config,
    public_log::{self, PublicLogParts},
    serve::{self, Serving},
    witnesses::Witnesses,
};
use tokio::net::TcpListener;

use crate::{
    assembly::{Assembly, Plan},
    failure::Failure,
    models,
};

/// What the second port is made of.
pub(super) struct Console {
    parts: PublicLogParts,
    /// Those that are asked to cosign; none where no policy is configured, or where there is no log.
    witnesses: Option<Witnesses>,
}

impl Console {
    /// Opens this process's own witness and reads the policies. `listener` is where it will be served.
    pub(super) fn new(assembly: &Assembly, listener: &TcpListener) -> Result<Self, Failure> {
        let config = assembly.config.load();
        let clock = &assembly.clock;
        let listening = listener
            .local_addr()
            .map_err(|error| Failure::trouble(format!("the console's port cannot be used: {error}")))?;
        let log = assembly.recorder.log().map(Arc::clone);
        let origin = assembly.data_dir.log_origin()?;
        let watch = config.audit_log.watch.as_deref();
        let witness = public_log::open_witness(&assembly.data_dir.witness(), &origin, watch, clock)?;
        let policy = config.audit_log.witnesses.as_deref().filter(|_| log.is_some());
        let witnesses = policy
            .map(|policy| Witnesses::read_opened(policy, config.audit_log.private_witnesses, clock))
            .transpose()?;
        let tasks = assembly.tasks.clone();
        let (witness, open_entries) = (Arc::new(witness), config.audit_log.open_entries);
        let parts = PublicLogParts { log, witness, listening, open_entries, clock: clock.clone(), tasks };
        Ok(Self { parts, witnesses })
    }

    /// Begins to serve and to ask.
    pub(super) fn open(
        self,
        assembly: &Assembly,
        (plan, editor): (&Plan, config::Editor),
        api_listening: SocketAddr,
        listener: TcpListener,
    ) {
        let Self { parts, witnesses } = self;
        if let (Some(witnesses), Some(log)) = (witnesses, &parts.log) {
            witnesses.ask(log, assembly.app.witnesses(), &assembly.clock, &assembly.tasks);
        }
        let listening = parts.listening;
        let (public_log, whole_log) = public_log::routers(parts);
        let console = console::Parts {
            app: Arc::clone(&assembly.app),
            api: assembly.router(),
            keys: assembly.keys.clone(),
            availability: assembly.availability.clone(),
            recorder: assembly.recorder.clone(),
            settings: console::Settings {
                live: assembly.config.clone(),
                path: plan.config_path(),
                editor: plan.config_file.is_none().then_some(editor),
            },
            models: console::ModelFiles {
                store: models::store(&assembly.data_dir.models(), &plan.fetching),
                inspect: models::inspect,
                known: model_store::known_models().to_vec(),
                running: assembly.floor.as_ref().map(|floor| floor.path.clone()),
            },
            drills: assembly.data_dir.drills(),
            request_index: assembly.data_dir.request_index(),
            listening,
            api_listening,
            clock: assembly.clock.clone(),
            tasks: assembly.tasks.clone(),
            public_log,
            whole_log,
        };
        let serving = Serving {
            router: console::router(console),
            refuse: public_log::refuse(),
            config: assembly.config.clone(),
            tasks: assembly.tasks.clone(),
            clock: assembly.clock.clone(),
        };
        assembly.tasks.start("console listener", |_| serve::serve(listener, serving));
    }
}
