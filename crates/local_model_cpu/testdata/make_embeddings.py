"""Makes the goldens of encoders: `embeddings.json`, of all-MiniLM-L6-v2's own files by `sentence-transformers`, and
`tiny_encoders.json`, of small random networks of Hugging Face's own class.

    python make_embeddings.py FOLDER        needs sentence-transformers, transformers, torch, numpy

Weights of the small networks are not stored: both sides draw them from a generator that is seeded with the tensor's name.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy
import torch
import transformers
from sentence_transformers import SentenceTransformer

from make_networks import drawn

HERE = Path(__file__).parent
TEXTS = [
    "The capital of France is Paris.",
    "A gateway stands between an organisation and the models that answer it.",
    "대한민국의 수도는 서울입니다.",
    "한국어 문장 임베딩은 영어보다 훨씬 어렵다.",
    "Thủ đô của Việt Nam là Hà Nội.",
    "La souveraineté numérique commence par ses propres machines.",
    "L'été, à Zürich, coûte 12,50 € déjà.",
    "東京は日本の首都です。",
    "AI基本法は2026年1月に施行された。",
    "",
    " ",
    "   \t\n  ",
    "🙂🚀 emoji 👩‍👩‍👧‍👦!",
    "[CLS] spelled [SEP] out [MASK]",
    "a",
    "supercalifragilisticexpialidocious" * 4,
    "x = {'a': [1, 2, 3]}; print(x[\"a\"][0])",
    "\u0000control\u200bcharacters\ufeff and\u00a0spaces",
    " ".join(["token"] * 126),
    " ".join(f"word{number}" for number in range(100)),
]
# Longer than the model reads: counted, then refused.
LONG = [" ".join(["long"] * 255), " ".join(["long"] * 512), "가" * 4000]


def rounded(vector):
    return [float(f"{value:.7g}") for value in vector]


def of_files(folder):
    model = SentenceTransformer(folder, device="cpu")
    tokenizer = model.tokenizer
    cases = []
    for text in TEXTS:
        tokens = tokenizer(text)["input_ids"]
        assert len(tokens) <= model.max_seq_length, text
        vector = model.encode([text], convert_to_numpy=True)[0]
        cases.append({"text": text, "tokens": tokens, "vector": rounded(vector)})
    # The reference itself is not the same in a batch: this is how far.
    batch = model.encode(TEXTS, convert_to_numpy=True, batch_size=len(TEXTS))
    apart = max(float(numpy.abs(batch[at] - numpy.array(case["vector"])).max()) for at, case in enumerate(cases))
    long = [{"text": text, "tokens": len(tokenizer(text, truncation=False)["input_ids"])} for text in LONG]
    return {
        "made_with": {name: version(name) for name in ("sentence-transformers", "transformers", "torch", "tokenizers")},
        "tokens_max": model.max_seq_length,
        "batch_apart_max": apart,
        "cases": cases,
        "long": long,
    }


def sizes(config):
    width, feed = config.hidden_size, config.intermediate_size
    yield "embeddings.word_embeddings.weight", [config.vocab_size, width], 0.0, 0.9
    yield "embeddings.position_embeddings.weight", [config.max_position_embeddings, width], 0.0, 0.3
    yield "embeddings.token_type_embeddings.weight", [config.type_vocab_size, width], 0.0, 0.3
    norms, linears = ["embeddings.LayerNorm"], []
    for layer in range(config.num_hidden_layers):
        at = f"encoder.layer.{layer}."
        linears += [(at + f"attention.self.{what}", width, width) for what in ("query", "key", "value")]
        linears += [(at + "attention.output.dense", width, width), (at + "intermediate.dense", feed, width)]
        linears += [(at + "output.dense", width, feed)]
        norms += [at + "attention.output.LayerNorm", at + "output.LayerNorm"]
    for name, rows, columns in linears:
        yield name + ".weight", [rows, columns], 0.0, 0.35
        yield name + ".bias", [rows], 0.0, 0.2
    for name in norms:
        yield name + ".weight", [width], 1.0, 0.3
        yield name + ".bias", [width], 0.0, 0.2


TINY = {
    "mean": {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 96, "num_hidden_layers": 3},
    "first": {"hidden_size": 96, "num_attention_heads": 2, "intermediate_size": 160, "num_hidden_layers": 2},
}
LENGTHS = [1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64]


def tiny(pooling):
    config = transformers.BertConfig(
        **TINY[pooling], vocab_size=61, max_position_embeddings=64, type_vocab_size=2, attn_implementation="eager",
    )
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    tensors = []
    state = {}
    for name, shape, centre, spread in sizes(config):
        tensor = {"name": name, "dims": shape[::-1], "centre": centre, "spread": spread}
        tensors.append(tensor)
        state[name] = torch.from_numpy(drawn(tensor).copy())
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in name or "token_type_ids" in name for name in missing), (missing, unexpected)
    cases = []
    for length in LENGTHS:
        tokens = [(at * 37 + at * at * 11 + length) % 61 for at in range(length)]
        with torch.no_grad():
            states = model(torch.tensor([tokens])).last_hidden_state[0].double()
        vector = states.mean(0) if pooling == "mean" else states[0]
        cases.append({"tokens": tokens, "vector": rounded(vector.tolist())})
    return {"pooling": pooling, "config": json.loads(config.to_json_string(use_diff=False)), "tensors": tensors, "cases": cases}


def main():
    (HERE / "embeddings.json").write_text(json.dumps(of_files(sys.argv[1]), ensure_ascii=False, separators=(",", ":")) + "\n")
    networks = [tiny(pooling) for pooling in TINY]
    (HERE / "tiny_encoders.json").write_text(json.dumps(networks, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
