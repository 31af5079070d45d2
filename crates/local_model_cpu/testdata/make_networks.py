"""Makes the goldens of `networks/`: for each architecture a small network of Hugging Face's own class, its logits in 32-bit
floats, and the GGUF file that means the same.

    python make_networks.py transformers [NAME...]     computes networks/NAME.json (needs transformers, torch, numpy)
    python make_networks.py llama [NAME...]            notes in them how far llama.cpp is (needs llama_cpp, gguf, numpy)

Weights are not stored: both sides draw them from a generator that is seeded with the tensor's name. They are drawn as the
GGUF file has them, and turned here into what Hugging Face's class expects, the other way round than converters go.
"""

import json
import math
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy

HERE = Path(__file__).parent / "networks"
VOCABULARY = 64
TOKENS = 160
LENGTHS = [1, 2, 23, 24, 25, 63, 64, 65, 69, 70, 71, 100, 128, 129, 140, 159, 160]
COMMON = {"vocab_size": VOCABULARY, "pad_token_id": None, "max_position_embeddings": 512, "intermediate_size": 96}
LLAMA_3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 64}
AFTER = {"post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm"}


HEAD_BIASES = {"attn_q": 0.5, "attn_k": 0.5, "attn_v": 0.5}
DENSE_BIASES = {**HEAD_BIASES, "attn_output": 0.5, "ffn_gate": 0.5, "ffn_up": 0.5, "ffn_down": 0.5}
# Those of gates and ups reach beyond what gpt-oss clamps to.
ALL_BIASES = {**HEAD_BIASES, "attn_output": 0.5, "ffn_gate_inp": 0.5, "ffn_gate_exps": 6.5, "ffn_up_exps": 6.5,
              "ffn_down_exps": 0.5}


def plain(theta):
    return {"rope_type": "default", "rope_theta": theta}


class Spec:
    """A network: Hugging Face's class and configuration, and what differs in the GGUF file."""

    def __init__(self, architecture, model, config, layers, width=64, heads=4, kv_heads=2, head_dim=32, tied=False, *,
                 base=10_000.0, epsilon=1e-5, neighbours=False, head_norms=False, before=True, renamed=None, biases=None,
                 sinks=False, norm_less=0.0, factors=False, entries=(), experts=None):
        self.architecture, self.model = architecture, model
        self.layers, self.width, self.heads, self.kv_heads, self.head_dim = layers, width, heads, kv_heads, head_dim
        self.neighbours, self.norm_less, self.renamed, self.tied = neighbours, norm_less, renamed or {}, tied
        self.experts, self.biases, self.sinks = experts, biases or {}, sinks
        # What GGUF calls the norm before the feed-forward half.
        self.before_feed = "post_attention_norm" if architecture in ("glm4moe", "gpt-oss") else "ffn_norm"
        self.config = {
            **COMMON, "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": kv_heads, "head_dim": head_dim, "rms_norm_eps": epsilon,
            "tie_word_embeddings": tied, **config,
        }
        own = [
            ("context_length", "u32", 512), ("block_count", "u32", layers), ("embedding_length", "u32", width),
            ("feed_forward_length", "u32", COMMON["intermediate_size"]), ("attention.head_count", "u32", heads),
            ("attention.head_count_kv", "u32", kv_heads), ("attention.key_length", "u32", head_dim),
            ("attention.value_length", "u32", head_dim), ("attention.layer_norm_rms_epsilon", "f32", epsilon),
            ("rope.freq_base", "f32", base), *entries, *(experts.entries() if experts else ()),
        ]
        self.entries = [["general.architecture", "string", architecture]]
        self.entries += [[f"{architecture}.{key}", kind, value] for key, kind, value in own]
        self.tensors = list(self.planned(head_norms, before))
        if factors:
            self.tensors.append({"name": "rope_freqs.weight", "values": llama_3_factors(base, head_dim)})

    def planned(self, head_norms, before):
        def matrix(name, rows, columns, *experts):
            return {"name": f"{name}.weight", "dims": [columns, rows, *experts], "centre": 0.0,
                    "spread": round(1.7 / math.sqrt(columns), 6)}

        def norm(name, length):
            return {"name": f"{name}.weight", "dims": [length], "centre": 1.0, "spread": 0.3}

        query, key, feed = self.heads * self.head_dim, self.kv_heads * self.head_dim, COMMON["intermediate_size"]
        yield matrix("token_embd", VOCABULARY, self.width)
        for layer in range(self.layers):
            for name, rows, columns, *experts in [
                ("attn_q", query, self.width), ("attn_k", key, self.width), ("attn_v", key, self.width),
                ("attn_output", self.width, query), *self.feed(layer, feed),
            ]:
                yield from self.packed(layer, name, rows, columns) if experts and self.experts.packed else [
                    matrix(f"blk.{layer}.{name}", rows, columns, *experts)]
                if name in self.biases:
                    yield {"name": f"blk.{layer}.{name}.bias", "dims": [rows, *experts], "centre": 0.0,
                           "spread": self.biases[name]}
            if self.sinks:
                yield {"name": f"blk.{layer}.attn_sinks.weight", "dims": [self.heads], "centre": 1.0, "spread": 1.0}
            if self.experts and self.experts.biased and layer >= self.experts.dense:
                yield {"name": f"blk.{layer}.exp_probs_b.bias", "dims": [self.experts.count], "centre": 0.0,
                       "spread": self.experts.biased}
            after = [key for key in self.renamed if key.startswith("post") and key != self.before_feed]
            for name in [*(("attn_norm", self.before_feed) if before else ()), *after]:
                yield norm(f"blk.{layer}.{name}", self.width)
            for name in ("attn_q_norm", "attn_k_norm") if head_norms else ():
                yield norm(f"blk.{layer}.{name}", self.head_dim)
        yield norm("output_norm", self.width)
        if not self.tied:
            yield matrix("output", VOCABULARY, self.width)

    def packed(self, layer, name, rows, columns):
        """Experts' matrices as published folders have them: blocks of 4-bit floats and their scales, gates and ups in turns."""
        both = name == "ffn_gate_exps"
        if name == "ffn_up_exps":
            return
        stem = f"blk.{layer}.{'ffn_gate_up_exps' if both else name}"
        sizes = [columns // 32, rows * (2 if both else 1), self.experts.count]
        yield {"name": f"{stem}.blocks", "dims": [16, *sizes], "bytes": [0, 256]}
        # Floats of 4 bits spread by 2.9: so scaled they spread as other weights do.
        yield {"name": f"{stem}.scales", "dims": sizes, "bytes": [122, 3]}

    def feed(self, layer, width):
        """The matrices of a layer's feed-forward half: name, rows, columns, and experts where there are any."""
        experts = self.experts
        kinds = [("", width, ())]
        if experts and layer >= experts.dense:
            yield "ffn_gate_inp", experts.count, self.width
            kinds = [("_exps", experts.width, (experts.count,))] + [("_shexp", experts.width, ())] * experts.shared
        for suffix, width, count in kinds:
            yield f"ffn_gate{suffix}", width, self.width, *count
            yield f"ffn_up{suffix}", width, self.width, *count
            yield f"ffn_down{suffix}", self.width, width, *count

    def published_name(self, name):
        """What Hugging Face's class calls a tensor."""
        whole = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
        stem, what = name.rsplit(".", 1)
        if stem in whole:
            return f"{whole[stem]}.{what}"
        _, layer, stem = stem.split(".")
        names = {
            "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
            "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj",
            "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "ffn_gate_inp": "mlp.gate",
            **{f"ffn_{name}_shexp": f"mlp.shared_experts.{name}_proj" for name in ("gate", "up", "down")},
            **self.renamed, "exp_probs_b": "mlp.gate.e_score_correction_bias",
        }
        if stem.endswith("_exps"):
            return f"model.layers.{layer}.mlp.experts.{stem[4:-5]}_proj" + ("_bias" if what == "bias" else "")
        if stem == "attn_sinks":
            return f"model.layers.{layer}.self_attn.sinks"
        if stem == "exp_probs_b":
            return f"model.layers.{layer}.{names[stem]}"
        return f"model.layers.{layer}.{names[stem]}.{what}"

    def published(self, tensor, values):
        """A tensor's values as Hugging Face's class has them."""
        stem = tensor["name"].split(".")[-2]
        if self.neighbours and stem in ("attn_q", "attn_k"):
            pairs = values.reshape(-1, self.head_dim // 2, 2, *values.shape[1:])
            values = numpy.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)
        return values - numpy.float32(self.norm_less) if stem.endswith("_norm") else values

    def all_published(self):
        """All tensors as Hugging Face's class has them, whose experts have gates and ups in one."""
        weights = {
            tensor["name"] if "bytes" in tensor else self.published_name(tensor["name"]):
            self.published(tensor, drawn(tensor)) for tensor in self.tensors if tensor["name"] != "rope_freqs.weight"
        }
        for name in [name for name in weights if name.endswith(".blocks")]:
            weights[self.published_name(name.removesuffix("blocks") + "weight")] = unpacked(
                weights.pop(name), weights.pop(name.replace("blocks", "scales")))
        for name in [name for name in weights if ".experts.gate_proj" in name]:
            both = [weights.pop(name), weights.pop(name.replace("gate_proj", "up_proj"))]
            weights[name.replace("gate_proj", "gate_up_proj")] = self.gates_and_ups(both)
        if self.architecture == "gpt-oss":
            packed = self.experts.packed
            for name in [name for name in weights if name.endswith(("gate_up_proj", "experts.down_proj")) and not packed]:
                weights[name] = numpy.ascontiguousarray(weights[name].swapaxes(1, 2))
        return weights

    def gates_and_ups(self, both):
        """Gates before ups; of gpt-oss in turns, row by row."""
        if self.architecture != "gpt-oss":
            return numpy.concatenate(both, axis=1)
        return numpy.stack(both, axis=2).reshape(both[0].shape[0], -1, *both[0].shape[2:])


class Experts:
    """Mixtures of experts: so many, so many asked, so wide, behind so many layers that are dense. Biases of the choice, where
    there are any, spread so far that no choice of the golden's is so near that 16-bit keys and values make another."""

    count, used, width = 8, 3, 32

    def __init__(self, dense=0, shared=0, scale=None, biased=0.0, function=None, packed=False):
        self.packed = packed
        self.dense, self.shared, self.scale, self.biased, self.function = dense, shared, scale, biased, function

    def entries(self):
        yield "expert_count", "u32", self.count
        yield "expert_used_count", "u32", self.used
        yield "expert_feed_forward_length", "u32", self.width
        if self.dense:
            yield "leading_dense_block_count", "u32", self.dense
        if self.shared:
            yield "expert_shared_count", "u32", self.shared
        if self.scale:
            yield "expert_weights_scale", "f32", self.scale
            yield "expert_weights_norm", "bool", True
        if self.function:
            yield "expert_gating_func", "u32", self.function


def unpacked(blocks, scales):
    """What transformers makes of packed experts: columns before rows."""
    import torch
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    whole = convert_moe_packed_tensors(torch.from_numpy(blocks), torch.from_numpy(scales), dtype=torch.float32)
    return whole.numpy()


def llama_3_factors(base, head_dim):
    """What converters write for the `llama3` kind of longer contexts: each angle's divisor."""
    old, factor = LLAMA_3["original_max_position_embeddings"], LLAMA_3["factor"]
    low, high = LLAMA_3["low_freq_factor"], LLAMA_3["high_freq_factor"]
    factors = []
    for pair in range(head_dim // 2):
        turns = old / (2 * math.pi * base ** (2 * pair / head_dim))
        blend = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(float(numpy.float32(1 / ((1 - blend) / factor + blend))))
    return factors


SCALES = [("embedding_scale", "f32", 6.0), ("residual_scale", "f32", 0.4), ("attention.scale", "f32", 0.25)]
SCALED = {"embedding_multiplier": 6.0, "residual_multiplier": 0.4, "attention_multiplier": 0.25}
GEMMA_ROPE = {"sliding_attention": plain(10_000.0),
              "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1_000_000.0}}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
YARN_OSS = {**YARN, "truncate": False, "beta_fast": 32.0, "beta_slow": 1.0, "rope_theta": 150_000.0}
YARN_ENTRIES = [("rope.scaling.type", "string", "yarn"), ("rope.scaling.factor", "f32", 4.0),
                ("rope.scaling.original_context_length", "u32", 64)]
ASKED = {"num_experts_per_tok": 3, "moe_intermediate_size": 32, "norm_topk_prob": True}
HYBRID = ["sliding_attention"] * 3 + ["full_attention"]
NETWORKS = {
    # A.X 3.1 and Mi:dm 2.0 have this form.
    "llama": Spec("llama", "Llama", {"rope_parameters": plain(500_000.0)}, 3, base=500_000.0, neighbours=True),
    "llama3": Spec("llama", "Llama", {"rope_parameters": {**LLAMA_3, "rope_theta": 10_000.0}}, 3, neighbours=True,
                   factors=True),
    "llama-biases": Spec("llama", "Llama", {"rope_parameters": plain(10_000.0), "attention_bias": True, "mlp_bias": True}, 3,
                         neighbours=True, biases=DENSE_BIASES),
    # A.X 4.0 Light's own configuration, sizes but the heads' grouping made small.
    "ax4": Spec("qwen2", "Qwen2", {"rope_parameters": plain(1_000_000.0)}, 3, width=224, heads=7, kv_heads=1,
                base=1_000_000.0, biases=HEAD_BIASES),
    "qwen3": Spec("qwen3", "Qwen3", {"rope_parameters": plain(1_000_000.0)}, 3, base=1_000_000.0, epsilon=1e-6,
                  head_norms=True, tied=True),
    "gemma3": Spec("gemma3", "Gemma3", {"rope_parameters": GEMMA_ROPE, "sliding_window": 24,
                                        "query_pre_attn_scalar": 32}, 7,
                   base=1_000_000.0, epsilon=1e-6, head_norms=True, tied=True, norm_less=1.0,
                   renamed={**AFTER, "ffn_norm": "pre_feedforward_layernorm"},
                   entries=[("attention.sliding_window", "u32", 24), ("rope.scaling.type", "string", "linear"),
                            ("rope.scaling.factor", "f32", 8.0)]),
    "exaone": Spec("exaone", "Llama", {"rope_parameters": {**LLAMA_3, "rope_theta": 100_000.0}}, 3, base=100_000.0,
                   factors=True),
    "exaone4": Spec("exaone4", "Exaone4", {"rope_parameters": {**LLAMA_3, "rope_theta": 100_000.0},
                                           "sliding_window": 70, "layer_types": [*HYBRID, "sliding_attention"]}, 5, head_dim=16,
                    base=100_000.0, head_norms=True, before=False, renamed=AFTER, factors=True,
                    entries=[("attention.sliding_window", "u32", 70),
                             ("attention.sliding_window_pattern", "bools", [True, True, True, False, True])]),
    # The 1.2 B build: no windows, positions in every layer.
    "exaone4-small": Spec("exaone4", "Exaone4", {"rope_parameters": {**LLAMA_3, "rope_theta": 100_000.0},
                                                 "sliding_window": None, "layer_types": ["full_attention"] * 5}, 5, head_dim=16,
                          base=100_000.0, head_norms=True, before=False, renamed=AFTER, factors=True, tied=True),
    "qwen3-yarn": Spec("qwen3", "Qwen3", {"rope_parameters": {**YARN, "rope_theta": 10_000.0}}, 3, head_norms=True,
                       entries=YARN_ENTRIES),
    "qwen3moe": Spec("qwen3moe", "Qwen3Moe", {**ASKED, "num_experts": 8, "rope_parameters": plain(1_000_000.0)}, 3,
                     base=1_000_000.0, epsilon=1e-6, head_norms=True, experts=Experts()),
    # K-EXAONE's form.
    "exaone-moe": Spec("exaone-moe", "ExaoneMoe", {**ASKED, "num_experts": 8, "num_shared_experts": 1,
                                                   "first_k_dense_replace": 1, "routed_scaling_factor": 2.5,
                                                   "rope_parameters": plain(1_000_000.0), "sliding_window": 70,
                                                   "layer_types": [*HYBRID, "sliding_attention"]}, 5,
                       base=1_000_000.0, head_norms=True,
                       experts=Experts(dense=1, shared=1, scale=2.5, biased=0.6, function=2),
                       entries=[("attention.sliding_window", "u32", 70),
                                ("attention.sliding_window_pattern", "bools", [True, True, True, False, True])]),
    "solar": Spec("glm4moe", "SolarOpen", {**ASKED, "n_routed_experts": 8, "n_shared_experts": 1,
                                           "routed_scaling_factor": 1.5,
                                           "rope_parameters": {**YARN, "rope_theta": 1_000_000.0}}, 3,
                  base=1_000_000.0, renamed={"post_attention_norm": "post_attention_layernorm"}, entries=YARN_ENTRIES,
                  experts=Experts(shared=1, scale=1.5, biased=0.35)),
    # GLM's own, turned whole.
    "glm4moe": Spec("glm4moe", "Glm4Moe", {**ASKED, "n_routed_experts": 8, "n_shared_experts": 1,
                                           "first_k_dense_replace": 1, "routed_scaling_factor": 2.5, "use_qk_norm": True,
                                           "attention_bias": True,
                                           "rope_parameters": {**plain(1_000_000.0), "partial_rotary_factor": 1.0}}, 3,
                    base=1_000_000.0, head_norms=True, biases=HEAD_BIASES,
                    renamed={"post_attention_norm": "post_attention_layernorm"},
                    experts=Experts(dense=1, shared=1, scale=2.5, biased=0.25)),
    "gpt-oss": Spec("gpt-oss", "GptOss", {"num_local_experts": 8, "num_experts_per_tok": 3, "intermediate_size": 32,
                                          "sliding_window": 70, "rope_parameters": YARN_OSS}, 5,
                    base=150_000.0, renamed={"post_attention_norm": "post_attention_layernorm", "ffn_gate_inp": "mlp.router"},
                    biases=ALL_BIASES, sinks=True, experts=Experts(),
                    entries=[*YARN_ENTRIES, ("attention.sliding_window", "u32", 70)]),
    # As published: held from a folder, and from a GGUF file of the same blocks.
    "gpt-oss-packed": Spec("gpt-oss", "GptOss", {"num_local_experts": 8, "num_experts_per_tok": 3, "intermediate_size": 32,
                                                 "sliding_window": 70, "rope_parameters": YARN_OSS}, 3,
                           base=150_000.0,
                           renamed={"post_attention_norm": "post_attention_layernorm", "ffn_gate_inp": "mlp.router"},
                           biases=ALL_BIASES, sinks=True, experts=Experts(packed=True),
                           entries=[*YARN_ENTRIES, ("attention.sliding_window", "u32", 70)]),
    "smollm3": Spec("smollm3", "SmolLM3", {"rope_parameters": plain(2_000_000.0)}, 5, head_dim=16, base=2_000_000.0,
                    epsilon=1e-6, neighbours=True, tied=True),
    "granite": Spec("granite", "Granite", {**SCALED, "logits_scaling": 4.0, "rope_parameters": plain(10_000.0)}, 3,
                    head_dim=16, neighbours=True, tied=True, entries=[*SCALES, ("logit_scale", "f32", 4.0)]),
    "hyperclovax": Spec("hyperclovax", "HyperCLOVAX", {**SCALED, "logits_scaling": 0.5, "use_post_norm": True,
                                                       "rope_parameters": plain(500_000.0)}, 3, base=500_000.0,
                        renamed={"post_attention_norm": "post_norm1", "post_ffw_norm": "post_norm2"},
                        entries=[*SCALES, ("logit_scale", "f32", 0.5)]),
    "hyperclovax-plain": Spec("hyperclovax", "HyperCLOVAX", {**SCALED, "logits_scaling": 0.5, "use_post_norm": False,
                                                             "rope_parameters": plain(500_000.0)}, 3, base=500_000.0,
                              entries=[*SCALES, ("logit_scale", "f32", 0.5)]),
}


def drawn(tensor):
    """A tensor's values: Marsaglia's xorshift, seeded with the FNV-1a hash of the name."""
    if "values" in tensor:
        return numpy.array(tensor["values"], dtype=numpy.float32)
    mask = (1 << 64) - 1
    state = 0xCBF2_9CE4_8422_2325
    for byte in tensor["name"].encode():
        state = (state ^ byte) * 0x100_0000_01B3 & mask
    states = numpy.empty(math.prod(tensor["dims"]), dtype=numpy.uint64)
    for at in range(len(states)):
        state ^= state << 13 & mask
        state ^= state >> 7
        state ^= state << 17 & mask
        states[at] = state
    if "bytes" in tensor:
        first, count = tensor["bytes"]
        return (first + (states >> numpy.uint64(16)) % numpy.uint64(count)).astype(numpy.uint8).reshape(tensor["dims"][::-1])
    floats = (states >> numpy.uint64(40)).astype(numpy.float32) / numpy.float32(1 << 23) - numpy.float32(1)
    values = floats * numpy.float32(tensor["spread"]) + numpy.float32(tensor["centre"])
    return values.reshape(tensor["dims"][::-1])


def tokens():
    return [(at * 37 + at * at * 11 + 5) % 61 for at in range(TOKENS)]


def with_transformers(name):
    import torch
    import transformers

    spec = NETWORKS[name]
    configuration = "Gemma3TextConfig" if spec.model == "Gemma3" else f"{spec.model}Config"
    config = getattr(transformers, configuration)(**spec.config, attn_implementation="eager")
    model = getattr(transformers, f"{spec.model}ForCausalLM")(config).eval().float()
    weights = {name: torch.from_numpy(values.copy()) for name, values in spec.all_published().items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= ({"lm_head.weight"} if spec.tied else set()), missing
    model.tie_weights()
    with torch.no_grad():
        logits = model(torch.tensor([tokens()]), use_cache=False).logits[0].double().numpy()
    write(name, {
        "made_by": f"transformers {version('transformers')}, torch {version('torch').split('+')[0]}, float32",
        "class": f"{spec.model}ForCausalLM", "config": spec.config, "entries": spec.entries, "tensors": spec.tensors,
        "tokens": " ".join(map(str, tokens())),
        "rows": [{"after": after, "logits": " ".join(f"{value:.6f}" for value in logits[after - 1])}
                 for after in LENGTHS],
    })


def with_llama(name):
    """How far llama.cpp's logits are from the golden's, for the same file."""
    import gguf
    import llama_cpp

    golden = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.gguf"
        writer = gguf.GGUFWriter(path, golden["entries"][0][2])
        add = {"u32": writer.add_uint32, "f32": writer.add_float32, "string": writer.add_string, "bools": writer.add_array,
               "bool": writer.add_bool}
        for key, kind, value in golden["entries"][1:]:
            add[kind](key, value)
        writer.add_uint32(f"{golden['entries'][0][2]}.vocab_size", VOCABULARY)
        writer.add_tokenizer_model("none")
        for tensor in golden["tensors"]:
            writer.add_tensor(tensor["name"], drawn(tensor))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        model = llama_cpp.Llama(str(path), n_ctx=512, n_batch=512, logits_all=True, verbose=False, n_threads=1)
        model.eval(tokens())
        apart = max(
            float(numpy.abs(model.scores[row["after"] - 1] - numpy.array(list(map(float, row["logits"].split())))).max())
            for row in golden["rows"]
        )
    golden["llama_cpp"] = {"made_by": f"llama_cpp_python {llama_cpp.__version__}", "apart_max": round(apart, 6)}
    print(name, golden["llama_cpp"])
    write(name, golden)


def write(name, golden):
    """One line a tensor and a row, so that the files stay readable."""
    lines = []
    for key, value in golden.items():
        if isinstance(value, list):
            inner = ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value)
            lines.append(f" {json.dumps(key)}: [\n  {inner}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    aside = HERE / f"{name}.json.new"
    aside.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(aside, HERE / f"{name}.json")


if __name__ == "__main__":
    make = {"transformers": with_transformers, "llama": with_llama}[sys.argv[1]]
    # llama.cpp has no class of HyperCLOVA X, and gives EXAONE 4 windows in a network of 64 layers only; packed experts are
    # not as GGUF files have them.
    without = () if sys.argv[1] == "transformers" else ("hyperclovax", "hyperclovax-plain", "exaone4", "gpt-oss-packed")
    known = [name for name in NETWORKS if name not in without]
    for wanted in sys.argv[2:] or known:
        make(wanted)
