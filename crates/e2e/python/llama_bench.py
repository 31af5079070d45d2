"""llama.cpp's speed on a model, through `llama-cpp-python`, as one JSON object of tokens a second.

Measures what the floor's own benchmark measures, under the same names, so that the two can be laid side by side.
Usage: python llama_bench.py MODEL.gguf THREADS
"""

import ctypes
import json
import sys
import time

import llama_cpp

PROMPT_TOKENS = 512
SHORT_PROMPT_TOKENS = 16
ANSWER_TOKENS = 128


def greedy(model):
    logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
    row = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float * model.n_vocab())).contents
    return max(range(0, model.n_vocab(), 997), key=row.__getitem__)


def measured(model, prompt_tokens):
    prompt = [(i * 7919 + 13) % model.n_vocab() for i in range(prompt_tokens)]
    model.reset()
    begun = time.perf_counter()
    model.eval(prompt)
    token = greedy(model)
    read = prompt_tokens / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for _ in range(ANSWER_TOKENS):
        model.eval([token])
        token = greedy(model)
    return read, ANSWER_TOKENS / (time.perf_counter() - begun)


def main():
    path, threads = sys.argv[1], int(sys.argv[2])
    model = llama_cpp.Llama(
        model_path=path, n_threads=threads, n_threads_batch=threads, n_ctx=1024, n_batch=512, verbose=False)
    measured(model, SHORT_PROMPT_TOKENS)
    _, decode = measured(model, SHORT_PROMPT_TOKENS)
    prefill, after_prompt = measured(model, PROMPT_TOKENS)
    print(json.dumps({
        "threads": threads,
        "prefill_tokens_per_second": prefill,
        "decode_tokens_per_second": decode,
        "decode_after_prompt_tokens_per_second": after_prompt,
    }))


main()
