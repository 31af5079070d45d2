//! What the wall says besides its one short answer: a long text that another provider can go on with, calls of tools, JSON,
//! thoughts, two answers. Chosen by what stands before `--` in the model's name, behind the server's (`servers`). Knows no sockets.

use serde_json::{Value, json};

use super::servers::Server;

/// A text that has room for a cut, in Hangul too; no forty characters of it come twice.
pub const LONG: &str = "The Han flows through Seoul from east to west, and the city has grown along both of its banks. \
한강은 서울을 동에서 서로 가로지르며, 서른한 개의 다리가 두 강변을 잇습니다. Its parks are full on summer evenings: people ride, \
eat and watch the fountain at Banpo 🇰🇷.\n\nIn winter it freezes more rarely than it used to, and the ice is measured every year \
at the same place, between the second and the fourth pier of the old bridge.";

/// The arguments of the tool that is called: no beginning of them is JSON.
pub const ARGUMENTS: &str = "{\"city\":\"서울\",\"days\":3,\"units\":\"metric\"}";

/// What is thought before the answer.
pub const THOUGHT: &str = "Which capital is meant is clear.";

/// What a model says, by its name's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The short answer.
    Short,
    /// `long--`: the long one.
    Long,
    /// `tool--`: a call with arguments.
    Tool,
    /// `json--`: the arguments as the answer.
    Json,
    /// `think--`: thoughts, then the short answer.
    Think,
    /// `two--`: the short answer twice, side by side.
    Two,
    /// `goes-on…`: the long text; asked to go on with a part of it, it repeats the words it is asked to and goes on.
    GoesOn(Habit),
}

/// How a model goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// `goes-on`: as it was asked to.
    Well,
    /// `goes-on-preamble`: says that it will, first.
    Preamble,
    /// `goes-on-blanks`: with other blanks in the words that it repeats.
    Blanks,
    /// `goes-on-without`: without repeating anything.
    Without,
    /// `goes-on-anew`: from the beginning.
    Anew,
    /// `goes-on-elsewhere`: with something else.
    Elsewhere,
    /// `goes-on-declining`: declines, in the field for it.
    Declining,
}

impl Kind {
    pub(super) fn of(model: &str) -> Self {
        let (_, model) = Server::of(model);
        let habit = match model.split_once("--").map_or(model, |(_, rest)| rest) {
            "goes-on" | "goes-on-no-prefill" => Some(Habit::Well),
            "goes-on-preamble" => Some(Habit::Preamble),
            "goes-on-blanks" => Some(Habit::Blanks),
            "goes-on-without" => Some(Habit::Without),
            "goes-on-anew" => Some(Habit::Anew),
            "goes-on-elsewhere" => Some(Habit::Elsewhere),
            "goes-on-declining" => Some(Habit::Declining),
            _ => None,
        };
        match (model.split_once("--").map(|(kind, _)| kind), habit) {
            (Some("long"), _) => Self::Long,
            (Some("tool"), _) => Self::Tool,
            (Some("json"), _) => Self::Json,
            (Some("think"), _) => Self::Think,
            (Some("two"), _) => Self::Two,
            (_, Some(habit)) => Self::GoesOn(habit),
            _ => Self::Short,
        }
    }

    /// The deltas of a stream, each with its choice.
    pub(super) fn deltas(self, request: &Value, short: &[String]) -> Vec<(usize, Value)> {
        let texts = |text: &str| words(text).into_iter().map(|piece| (0, json!({"content": piece}))).collect();
        match self {
            Self::Short => short.iter().map(|piece| (0, json!({"content": piece}))).collect(),
            Self::Long => texts(LONG),
            Self::Json => texts(ARGUMENTS),
            Self::Think => {
                let thoughts = words(THOUGHT).into_iter().map(|piece| (0, json!({"reasoning_content": piece})));
                thoughts.chain(short.iter().map(|piece| (0, json!({"content": piece})))).collect()
            }
            Self::Two => {
                short.iter().flat_map(|piece| [0, 1].map(|choice| (choice, json!({"content": piece})))).collect()
            }
            Self::Tool => {
                let begun = json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]});
                let more = |piece: String| (0, json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}));
                std::iter::once((0, begun)).chain(pieces_of(ARGUMENTS, 6).into_iter().map(more)).collect()
            }
            Self::GoesOn(Habit::Declining) if anchor(request).is_some() => vec![(0, json!({"refusal": "I will not."}))],
            Self::GoesOn(habit) => texts(&going_on(habit, request)),
        }
    }

    /// Why its choices end.
    pub(super) fn finish(self) -> &'static str {
        if self == Self::Tool { "tool_calls" } else { "stop" }
    }
}

/// The words that a request asks to repeat: what its last message ends with, where an assistant's stands before it.
fn anchor(request: &Value) -> Option<&str> {
    let messages = request["messages"].as_array()?;
    let [.., before, last] = messages.as_slice() else { return None };
    if before["role"] != "assistant" || last["role"] != "user" {
        return None;
    }
    last["content"].as_str()?.split_once("\n\n").map(|(_, anchor)| anchor)
}

fn going_on(habit: Habit, request: &Value) -> String {
    let Some(anchor) = anchor(request) else { return LONG.to_owned() };
    let from = LONG.find(anchor).expect("it is asked to repeat what was said");
    let rest = LONG.get(from + anchor.len()..).expect("what follows what was found");
    match habit {
        Habit::Well | Habit::Declining => format!("{anchor}{rest}"),
        Habit::Preamble => format!("Of course, here's the rest:\n\n{anchor}{rest}"),
        Habit::Blanks => format!("{}{rest}", anchor.replace(' ', "\n")),
        Habit::Without => rest.to_owned(),
        Habit::Anew => LONG.to_owned(),
        Habit::Elsewhere => "I do not know what you mean. ".repeat(20),
    }
}

/// Whether it refuses a conversation whose last word is the assistant's, as many do.
pub(super) fn refuses_prefill(model: &str, request: &Value) -> bool {
    let last = request["messages"].as_array().and_then(|messages| messages.last());
    model.ends_with("goes-on-no-prefill") && last.is_some_and(|last| last["role"] == "assistant")
}

/// A text in the pieces that a model gives: each word with the blank before it.
fn words(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for letter in text.chars() {
        match pieces.last_mut() {
            Some(piece) if letter != ' ' => piece.push(letter),
            _ => pieces.push(letter.to_string()),
        }
    }
    pieces
}

fn pieces_of(text: &str, letters: usize) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    all.chunks(letters).map(|piece| piece.iter().collect()).collect()
}
