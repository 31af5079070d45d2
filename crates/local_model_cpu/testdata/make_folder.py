"""Makes of a llama GGUF file the folder in Hugging Face's form that means the same, in bfloat16 and two files of weights.

    python make_folder.py MODEL.gguf FOLDER     (needs gguf, numpy)

`cargo xtask test` makes one of the starter model; the test that `GWANMUN_TEST_FOLDER` names it for holds it against the file's golden.
"""

import json
import struct
import sys
from pathlib import Path

import gguf
import numpy

WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
         "output.weight": "lm_head.weight"}
PARTS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
SIZES = {"hidden_size": "embedding_length", "num_hidden_layers": "block_count",
         "num_attention_heads": "attention.head_count", "num_key_value_heads": "attention.head_count_kv",
         "intermediate_size": "feed_forward_length", "max_position_embeddings": "context_length",
         "rms_norm_eps": "attention.layer_norm_rms_epsilon", "rope_theta": "rope.freq_base"}


def published(reader, entry):
    """Each tensor under Hugging Face's name: sizes and bytes."""
    heads = {"attn_q": entry("llama.attention.head_count"), "attn_k": entry("llama.attention.head_count_kv")}
    for tensor in reader.tensors:
        weights = gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
        weights = weights.reshape([int(length) for length in tensor.shape][::-1])
        name = WHOLE.get(tensor.name)
        if name is None:
            _, layer, part, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{PARTS[part]}.weight"
            if part in heads:
                rows, columns = weights.shape
                pairs = weights.reshape(heads[part], rows // heads[part] // 2, 2, columns)
                weights = pairs.swapaxes(1, 2).reshape(rows, columns)
        bits = numpy.ascontiguousarray(weights).view(numpy.uint32)
        brains = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
        yield name, list(weights.shape), brains.astype(numpy.uint16).tobytes()


def write_weights(folder, tensors):
    files = {}
    for number, part in enumerate([tensors[: len(tensors) // 2], tensors[len(tensors) // 2 :]], 1):
        file, header, at = f"model-{number:05}-of-00002.safetensors", {}, 0
        for name, shape, stored in part:
            header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + len(stored)]}
            at += len(stored)
            files[name] = file
        header = json.dumps(header).encode()
        header += b" " * (-len(header) % 8)
        stored = b"".join(stored for _, _, stored in part)
        (folder / file).write_bytes(struct.pack("<Q", len(header)) + header + stored)
    write(folder, "model.safetensors.index.json", {"metadata": {}, "weight_map": files})


def tokenizer(entry):
    """SmolLM2's own: single digits, then GPT-2's words."""
    tokens, types = entry("tokenizer.ggml.tokens"), entry("tokenizer.ggml.token_type")
    added = [{"id": number, "content": token, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False} for number, (token, kind) in enumerate(zip(tokens, types)) if kind == 3]
    cuts = [{"type": "Digits", "individual_digits": True},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]
    model = {"type": "BPE", "vocab": {token: number for number, token in enumerate(tokens)},
             "merges": entry("tokenizer.ggml.merges")}
    return {"version": "1.0", "added_tokens": added, "normalizer": None, "post_processor": None, "model": model,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": cuts}}


def write(folder, name, value):
    (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def main(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(source)

    def entry(key):
        return reader.fields[key].contents()

    tensors = list(published(reader, entry))
    write_weights(folder, tensors)
    tokens = entry("tokenizer.ggml.tokens")
    begin, end = entry("tokenizer.ggml.bos_token_id"), entry("tokenizer.ggml.eos_token_id")
    write(folder, "config.json", {
        "architectures": ["LlamaForCausalLM"], "vocab_size": len(tokens), "hidden_act": "silu", "eos_token_id": end,
        "tie_word_embeddings": not any(name == "lm_head.weight" for name, _, _ in tensors), "rope_scaling": None,
        **{field: entry(f"llama.{key}") for field, key in SIZES.items()},
    })
    write(folder, "tokenizer.json", tokenizer(entry))
    write(folder, "tokenizer_config.json", {"bos_token": tokens[begin], "eos_token": tokens[end],
                                            "chat_template": entry("tokenizer.chat_template")})
    write(folder, "generation_config.json", {"eos_token_id": end})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
