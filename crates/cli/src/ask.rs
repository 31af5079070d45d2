//! `gwanmun ask`: one answer in the terminal, as it comes. From the running server where there is one, else in this
//! process; either way over the same router, so that every question is judged and recorded alike.

mod stream;

use std::{io::Read as _, path::PathBuf};

use clap::Args;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    assembly::{Assembly, Plan},
    failure::{Answer, Failure},
    place::Place,
    road::Road,
    runtime,
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  gwanmun ask \"What is the capital of France?\"
  gwanmun ask --system \"Answer in one word.\" --temperature 0 \"What is the capital of France?\"
  cat letter.txt | gwanmun ask --system \"Summarise this letter.\" -
  gwanmun ask --url https://gate.example.org --key sk-gwm-… \"Who are you?\"";

/// Ask one question; the answer streams to the terminal
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ask {
    /// The question; `-` reads it from standard input
    #[arg(value_name = "QUESTION")]
    question: String,
    /// Which model is to answer [default: the first that is offered]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What the model is to keep to
    #[arg(long, value_name = "INSTRUCTIONS")]
    system: Option<String>,
    /// The longest answer
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<u32>,
    /// How freely it chooses its words: 0 always the likeliest, up to 2
    #[arg(long, value_name = "0..2")]
    temperature: Option<f32>,
    /// The same seed gives the same answer
    #[arg(long, value_name = "NUMBER")]
    seed: Option<i64>,
    /// Ask a server elsewhere; without this the one of the data directory
    #[arg(long, value_name = "URL", requires = "key")]
    url: Option<String>,
    /// The key for that server; better given in GWANMUN_KEY, where others do not see it
    #[arg(long, env = "GWANMUN_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl Ask {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let question = match self.question.as_str() {
            "-" => from_standard_input()?,
            question => question.to_owned(),
        };
        if question.trim().is_empty() {
            return Err(
                Failure::usage("the question is empty").hint("`gwanmun ask \"What is the capital of France?\"`")
            );
        }
        let runtime = runtime::new()?;
        let data_dir = place.data_dir();
        let road = match self.url.as_deref().zip(self.key.as_deref()) {
            Some((url, key)) => Some(Road::to(url, key)?),
            None => Road::to_running(&data_dir)?,
        };
        match road {
            Some(road) => runtime.block_on(self.ask_unless_stopped(&road, &question, terminal)),
            None => self.ask_inside(data_dir, &runtime, &question, terminal),
        }
    }

    /// No server runs: the road is put together here, walked once, and ended.
    fn ask_inside(
        &self,
        data_dir: PathBuf,
        runtime: &Runtime,
        question: &str,
        terminal: &mut Terminal,
    ) -> Result<Answer, Failure> {
        let plan = Plan::in_place(data_dir);
        let assembly = Assembly::new(&plan, plan.config()?, runtime, terminal)?;
        let walked = assembly.own_key().and_then(|key| {
            let road = Road::inside(assembly.router(), key.reveal());
            runtime.block_on(self.ask_unless_stopped(&road, question, terminal))
        });
        // The outcome of the question is durable before the process ends, however the answer ended.
        let ended = assembly.end(runtime, std::future::pending());
        let answer = walked?;
        ended.map(|_| answer)
    }

    /// Ctrl-C drops the connection, and with it the model's work.
    async fn ask_unless_stopped(
        &self,
        road: &Road,
        question: &str,
        terminal: &mut Terminal,
    ) -> Result<Answer, Failure> {
        let stopped = tokio::select! {
            answer = self.ask(road, question, terminal) => return answer,
            stopped = tokio::signal::ctrl_c() => stopped,
        };
        stopped.map_err(|error| Failure::trouble(format!("Ctrl-C cannot be listened to: {error}")))?;
        writeln!(terminal.out())?;
        Ok(Answer::Interrupted)
    }

    async fn ask(&self, road: &Road, question: &str, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let model = match &self.model {
            Some(model) => model.clone(),
            None => first_model(road).await?,
        };
        let system = self.system.iter().map(|text| json!({ "role": "system", "content": text }));
        let user = json!({ "role": "user", "content": question });
        let mut body = json!({
            "model": model,
            "messages": system.chain([user]).collect::<Vec<_>>(),
            "stream": true,
        });
        let asked = [
            ("max_completion_tokens", self.max_tokens.map(Into::into)),
            ("temperature", self.temperature.map(Into::into)),
            ("seed", self.seed.map(Into::into)),
        ];
        if let Some(body) = body.as_object_mut() {
            body.extend(asked.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        stream::tell(road.post("/v1/chat/completions", &body).await?, terminal).await
    }
}

fn from_standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("the question on standard input cannot be read: {error}")))?;
    Ok(text)
}

/// The first model that the key may ask for.
async fn first_model(road: &Road) -> Result<String, Failure> {
    let answer = stream::whole(road.get("/v1/models").await?).await?;
    let list: wire::answer::ModelList = serde_json::from_slice(&answer)
        .map_err(|error| Failure::trouble(format!("the list of models cannot be read: {error}")))?;
    let first = list.data.into_iter().next().map(|model| model.id);
    first.ok_or_else(|| {
        Failure::trouble("no model is offered")
            .hint("start `gwanmun serve` without `--no-model`, or configure a destination")
    })
}
