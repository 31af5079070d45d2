"""Makes the goldens of this folder with the outside programs that they hold us against.

    python make_goldens.py vocabulary                        trains tiny_vocabulary.json (needs tokenizers)
    python make_goldens.py templates                         renders templates.json (needs transformers)
    python make_goldens.py tiny                              cuts tiny_tokens.json (needs llama_cpp, gguf)
    python make_goldens.py pieces                            trains tiny_pieces.json and cuts with it (needs tokenizers, llama_cpp, gguf)
    python make_goldens.py blocks                            decodes blocks.json (needs gguf)
    python make_goldens.py transformers MODEL.gguf OUT.json  its section of a real model's golden (needs transformers, torch, gguf)
    python make_goldens.py llama MODEL.gguf OUT.json         its section of a real model's golden (needs llama_cpp)

Each golden names the versions that made it; a real model's also the SHA-256 of its file. The texts are our own.
"""

import hashlib
import json
import math
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
TEXTS = json.loads((HERE / "texts.json").read_text(encoding="utf-8"))
GREEDY_TOKENS = 48
PASSAGE_TOKENS = 256
TOP = 20


def write(path, value):
    aside = Path(f"{path}.new")
    aside.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def update(out, model, section, value):
    golden = json.loads(Path(out).read_text(encoding="utf-8")) if Path(out).exists() else {}
    golden["model"] = {"sha256": sha256(model), "bytes": Path(model).stat().st_size}
    golden[section] = value
    write(out, golden)


def vocabulary():
    """A byte-level vocabulary small enough to commit, trained on our sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(TEXTS["sentences"] + TEXTS["passages"] * 3, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda entry: entry[1])]
    merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
    write(
        HERE / "tiny_vocabulary.json",
        {"made_by": f"tokenizers {version('tokenizers')}", "tokens": tokens, "merges": merges},
    )


def templates():
    """Our templates, rendered as Hugging Face renders them."""
    from transformers.utils.chat_template_utils import render_jinja_template

    cases = json.loads((HERE / "template_cases.json").read_text(encoding="utf-8"))
    rendered = []
    for case in cases:
        turns = [{"role": role, "content": content} for role, content in case["turns"]]
        try:
            texts, _ = render_jinja_template(
                conversations=[turns],
                chat_template=case["template"],
                add_generation_prompt=True,
                bos_token="<s>",
                eos_token="</s>",
            )
            rendered.append({**case, "text": texts[0]})
        except Exception as error:  # what the template raises is the golden
            rendered.append({**case, "refused": str(error)})
    made_by = f"transformers {version('transformers')}, Jinja2 {version('Jinja2')}"
    write(HERE / "templates.json", {"made_by": made_by, "cases": rendered})


def tiny():
    """The tiny vocabulary's tokens under every way of cutting, by llama.cpp."""
    import gguf
    import llama_cpp

    vocabulary = json.loads((HERE / "tiny_vocabulary.json").read_text(encoding="utf-8"))
    names = TEXTS["pre_tokenizers"]
    tokens = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tiny.gguf"
            writer = gguf.GGUFWriter(path, "llama")
            for key, value in [("context_length", 64), ("embedding_length", 32), ("block_count", 1),
                               ("feed_forward_length", 32), ("attention.head_count", 1)]:
                writer.add_uint32(f"llama.{key}", value)
            writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
            writer.add_tokenizer_model("gpt2")
            writer.add_tokenizer_pre(name)
            extra = ["<|begin|>", "<|end|>"]
            writer.add_token_list(vocabulary["tokens"] + extra)
            writer.add_token_types([1] * len(vocabulary["tokens"]) + [3] * len(extra))
            writer.add_token_merges(vocabulary["merges"])
            writer.add_bos_token_id(len(vocabulary["tokens"]))
            writer.add_eos_token_id(len(vocabulary["tokens"]) + 1)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.close()
            model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
            tokens[name] = [model.tokenize(text.encode(), add_bos=False) for text in TEXTS["sentences"]]
    made_by = f"llama_cpp_python {version('llama_cpp_python')}"
    families = {}
    for name, rows in tokens.items():
        families.setdefault(tuple(" ".join(map(str, ids)) for ids in rows), []).append(name)
    rows = [{"names": names, "tokens": list(rows)} for rows, names in families.items()]
    write(HERE / "tiny_tokens.json", {"made_by": made_by, "families": rows})


def pieces():
    """A vocabulary in Gemma's manner: pieces with scores, bytes for the rest; and its tokens, by llama.cpp."""
    import gguf
    import llama_cpp
    from tokenizers import Tokenizer, models, trainers

    texts = [text.replace(" ", "\u2581") for text in TEXTS["sentences"] + TEXTS["passages"] * 3]
    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=700, show_progress=False, min_frequency=2)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merged = ["".join(merge) if isinstance(merge, list) else merge.replace(" ", "") for merge in model["merges"]]
    letters = [token for token in model["vocab"] if token not in set(merged)]
    # Rare letters have no piece, so that bytes occur.
    letters = [letter for letter in letters if sum(text.count(letter) for text in texts) > 2]
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    tokens = special + [f"<0x{byte:02X}>" for byte in range(256)] + merged + letters + ["<end_of_turn>"]
    kinds = [3, 3, 3, 2] + [6] * 256 + [1] * (len(merged) + len(letters)) + [3]
    scores = [-1000.0] * 260 + [float(-rank) for rank in range(len(merged))] + [-1000.0] * (len(letters) + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        writer = gguf.GGUFWriter(path, "gemma3")
        for key, value in [("context_length", 64), ("embedding_length", 32), ("block_count", 1),
                           ("feed_forward_length", 32), ("attention.head_count", 1)]:
            writer.add_uint32(f"gemma3.{key}", value)
        writer.add_float32("gemma3.attention.layer_norm_rms_epsilon", 1e-6)
        writer.add_tokenizer_model("llama")
        writer.add_token_list(tokens)
        writer.add_token_types(kinds)
        writer.add_token_scores(scores)
        writer.add_add_space_prefix(False)
        writer.add_bos_token_id(2)
        writer.add_eos_token_id(1)
        writer.add_unk_token_id(3)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
        rows = [model.tokenize(text.encode(), add_bos=False, special=False) for text in TEXTS["sentences"]]
    write(HERE / "tiny_pieces.json", {
        "made_by": f"tokenizers {version('tokenizers')}, llama_cpp_python {llama_cpp.__version__}", "tokens": tokens,
        "types": " ".join(map(str, kinds)), "scores": " ".join(str(int(score)) for score in scores),
        "encoded": [" ".join(map(str, ids)) for ids in rows],
    })


def blocks():
    """A block of random bytes of each kind and its weights, by the gguf package."""
    import gguf
    import numpy

    random = numpy.random.default_rng(1)
    kinds = {}
    for name in ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "MXFP4"]:
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        stored = random.integers(0, 256, size * 2, dtype=numpy.uint8)
        if name in ("F32", "F16", "BF16"):
            stored = numpy.array([0.75, -1.5], dtype=numpy.float32 if name != "F16" else numpy.float16).view(numpy.uint8)
            stored = stored.reshape(2, -1)[:, -size:].reshape(-1).copy()
        if name == "MXFP4":
            stored[::size] = random.integers(118, 126, 2)
        halves = {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
        for block in range(2):
            for at in halves.get(name, [0] if name.startswith("Q") else []):
                scale = numpy.array([random.normal() / 8], dtype=numpy.float16).view(numpy.uint8)
                stored[block * size + at: block * size + at + 2] = scale
        weights = gguf.quants.dequantize(stored, kind).reshape(-1)
        kinds[name] = {"bytes": stored.tobytes().hex(), "weights": " ".join(f"{float(w):.9g}" for w in weights)}
    write(HERE / "blocks.json", {"made_by": f"gguf {version('gguf')}", "kinds": kinds})


def published_tokenizer(pre, tokens, merges):
    """The tokenizer that the model's makers publish, built with Hugging Face's own parts."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(
        vocab={token: index for index, token in enumerate(tokens)},
        merges=[tuple(merge.split(" ", 1)) for merge in merges],
    ))
    if pre == "smollm":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    elif pre == "qwen2":
        from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

        tokenizer.normalizer = normalizers.NFC()
        split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    else:
        raise SystemExit(f"no published tokenizer is known for `{pre}`")
    return tokenizer


def gguf_metadata(path):
    import gguf

    reader = gguf.GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items() if name.startswith("tokenizer.")}


def chat_text(metadata, turns):
    from transformers.utils.chat_template_utils import render_jinja_template

    tokens = metadata["tokenizer.ggml.tokens"]
    texts, _ = render_jinja_template(
        conversations=[[{"role": role, "content": content} for role, content in turns]],
        chat_template=metadata["tokenizer.chat_template"],
        add_generation_prompt=True,
        bos_token=tokens[metadata["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[metadata["tokenizer.ggml.eos_token_id"]],
    )
    return texts[0]


def encode_rendered(tokenizer, metadata, text):
    """Control tokens by their spelling, the rest by the tokenizer."""
    import re

    tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    controls = {token: index for index, (token, kind) in enumerate(zip(tokens, types)) if kind in (2, 3)}
    ids = []
    for piece in re.split("(" + "|".join(map(re.escape, controls)) + ")", text):
        ids += [controls[piece]] if piece in controls else tokenizer.encode(piece).ids
    return ids


def measure(prompts, passage, every_logprobs, continued):
    """Top log-probabilities and greedy continuations of prompts, and the passage's mean log-likelihood.

    `every_logprobs(ids)` gives a row after each token; `continued(ids)` yields the row after them, then one after each
    token that it is sent.
    """
    rows = []
    for ids in prompts:
        steps = continued(ids)
        last = next(steps)
        order = last.argsort()[::-1][:TOP]
        top = [[int(token), round(float(last[token]), 5)] for token in order]
        tokens, margins = [], []
        while len(tokens) < GREEDY_TOKENS:
            best, second = last.argsort()[::-1][:2]
            tokens.append(int(best))
            margins.append(round(float(last[best] - last[second]), 4))
            last = steps.send(int(best))
        rows.append({"ids": ids, "top": top, "greedy": tokens, "margins": margins})
    every = every_logprobs(passage)
    total = sum(float(every[at][passage[at + 1]]) for at in range(len(passage) - 1))
    return {"prompts": rows, "passage": {"ids": passage, "mean_logprob": total / (len(passage) - 1)}}


def with_transformers(model_path, out):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    metadata = gguf_metadata(model_path)
    tokenizer = published_tokenizer(
        metadata["tokenizer.ggml.pre"], metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.merges"]
    )
    path = Path(model_path)
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=torch.float32).eval()

    def every_logprobs(ids):
        with torch.no_grad():
            return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1).numpy()

    def continued(ids):
        cache = None
        while True:
            with torch.no_grad():
                output = model(torch.tensor([ids]), past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            ids = [(yield torch.log_softmax(output.logits[0, -1].double(), dim=-1).numpy())]

    chats = [{"turns": turns, "text": chat_text(metadata, turns)} for turns in TEXTS["chats"]]
    for chat in chats:
        chat["ids"] = encode_rendered(tokenizer, metadata, chat["text"])
    prompts = [tokenizer.encode(text).ids for text in TEXTS["prompts"]] + [chat["ids"] for chat in chats[:2]]
    passage = tokenizer.encode(" ".join(TEXTS["passages"])).ids[:PASSAGE_TOKENS]
    section = measure(prompts, passage, every_logprobs, continued)
    section["made_by"] = f"transformers {version('transformers')}, torch {version('torch')}, float32"
    section["sentences"] = [tokenizer.encode(text).ids for text in TEXTS["sentences"]]
    section["chats"] = chats
    update(out, model_path, "transformers", compact(section))


def with_llama(model_path, out):
    import llama_cpp
    import numpy

    golden = json.loads(Path(out).read_text(encoding="utf-8"))["transformers"]
    model = llama_cpp.Llama(str(model_path), n_ctx=1024, logits_all=True, verbose=False, n_threads=1)

    def logprobs(rows):
        logits = numpy.array(rows, dtype=numpy.float64)
        peak = logits.max(axis=-1, keepdims=True)
        return logits - peak - numpy.log(numpy.exp(logits - peak).sum(axis=-1, keepdims=True))

    def every_logprobs(ids):
        model.reset()
        model.eval(ids)
        return logprobs(model.scores[: len(ids)])

    def continued(ids):
        model.reset()
        held = 0
        while True:
            model.eval(ids)
            held += len(ids)
            ids = [(yield logprobs(model.scores[held - 1]))]

    prompts = [[int(token) for token in row["ids"].split()] for row in golden["prompts"]]
    passage = [int(token) for token in golden["passage"]["ids"].split()]
    section = measure(prompts, passage, every_logprobs, continued)
    section["made_by"] = f"llama_cpp_python {version('llama_cpp_python')}"
    section["sentences"] = [model.tokenize(text.encode(), add_bos=False) for text in TEXTS["sentences"]]
    update(out, model_path, "llama_cpp", compact(section))


def compact(section):
    """Rows of numbers as text, so that the goldens stay readable."""
    for row in [*section["prompts"], section["passage"], *section.get("chats", [])]:
        for key in ("ids", "greedy", "margins"):
            if key in row:
                row[key] = " ".join(map(str, row[key]))
        if "top" in row:
            row["top"] = " ".join(f"{token}:{logprob}" for token, logprob in row["top"])
    section["sentences"] = [" ".join(map(str, ids)) for ids in section["sentences"]]
    assert all(math.isfinite(row["mean_logprob"]) for row in [section["passage"]])
    return section


if __name__ == "__main__":
    commands = {
        "vocabulary": vocabulary, "templates": templates, "tiny": tiny, "pieces": pieces, "blocks": blocks,
        "transformers": with_transformers, "llama": with_llama,
    }
    commands[sys.argv[1]](*sys.argv[2:])
